"""What goes to students and comes back: the student edition, the check of one's own work, the collection."""
