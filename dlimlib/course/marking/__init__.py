"""What a teacher does with a graded batch: marks by hand, feedback, tables, answers too much alike."""
