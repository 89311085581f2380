"""What convlet asks of the operating system."""
