// A module that does not load, for the fuzz run: each of its requests is a 500, and it is reported once.
throw new Error('planned failure');
