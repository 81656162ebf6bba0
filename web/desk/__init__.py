"""What agents see. Personal data is not shown here; cases are named by reference."""
