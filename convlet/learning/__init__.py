"""By what rules a network learns: settings, losses, optimizers, schedules, preprocessing, augmentation."""
