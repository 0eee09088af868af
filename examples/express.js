// An Express application, unchanged. Needs: npm install express
//
//   npx epoll-server 3000 ./examples/express.js
import express from 'express';

const app = express();
app.use(express.json());
app.get('/', (_request, response) => {
  response.type('text').send('Hello from Express\n');
});
app.get('/users/:id', (request, response) => {
  response.json({ name: request.params.id });
});
app.post('/echo', (request, response) => {
  response.json(request.body);
});

export default app;
