// A handler that keeps working for ever after its response.
export default (_request, response) => {
  response.send(200, { 'Content-Type': 'text/plain' }, 'answered');
  return new Promise(() => {});
};
