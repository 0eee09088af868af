// A Koa application, unchanged. Needs: npm install koa
//
//   npx epoll-server 3000 ./examples/koa.js
import Koa from 'koa';

const app = new Koa();
app.use((context) => {
  context.body = `Hello from Koa at ${context.path}\n`;
});

export default app;
