// A child process as its parent sees it: it has started, and answers when it is asked.
process.on('message', (word) => {
  if (word === 'ask') process.send({ snapshot: null });
});
process.send('started');
