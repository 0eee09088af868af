// A Fastify application, unchanged: it is not told to listen. Needs: npm install fastify
//
//   npx epoll-server 3000 ./examples/fastify.js
import fastify from 'fastify';

const app = fastify();
app.get('/', async () => 'Hello from Fastify\n');
app.get('/users/:id', async (request) => ({ name: request.params.id }));
app.post('/echo', async (request) => request.body);

export default app;
