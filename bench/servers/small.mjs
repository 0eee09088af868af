// The smallest application in JavaScript: how long this server itself takes to start.

export default (_request, response) => response.send(200, { 'Content-Type': 'text/plain' }, 'Hello, World!');
