"""The rules, pure: states, commands, events, deadlines and policy of every kind of case. Standard library only."""
