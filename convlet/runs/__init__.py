"""Where results are kept and how a run resumes: run folders, checkpoints, the list of runs."""
