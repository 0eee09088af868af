// A handler that has more to do, for ever, when its answer is given.
export default (_request, response) => {
  response.send(200, { 'Content-Type': 'text/plain' }, 'answered');
  return new Promise(() => {});
};
