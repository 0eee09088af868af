// An h3 application (npm install h3): node dist/epoll-server.js 9000 examples/h3.js

import { H3 } from 'h3';

const app = new H3();
app.get('/', () => 'Hello from h3\n');
app.get('/users/:name', (event) => ({ name: event.context.params.name }));
app.post('/echo', async (event) => event.req.text());

export default app;
