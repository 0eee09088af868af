// A module that does not load, for the fuzz run: each of its requests gets 500, and the error is reported once.
throw new Error('planned failure');
