// A Nest application, without decorators so that Node.js runs it as it is.
// Needs: npm install @nestjs/common @nestjs/core @nestjs/platform-express reflect-metadata rxjs
//
//   npx epoll-server 3000 ./examples/nest.js
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

class Hello {
  hello() {
    return 'Hello from Nest\n';
  }
}
Controller()(Hello);
Get()(Hello.prototype, 'hello', Object.getOwnPropertyDescriptor(Hello.prototype, 'hello'));

class Application {}
Module({ controllers: [Hello] })(Application);

export default await NestFactory.create(Application, { logger: ['error'] });
