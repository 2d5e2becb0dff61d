// An app of Nest, on Express or Fastify. Prints its responses.
import 'reflect-metadata'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { endWork, readInLoop } from './job-work.ts'

@Controller('books')
class Books {
  @Get(':id')
  async book(): Promise<string> {
    return `emma ${(await readInLoop()).length}`
  }
}

@Module({ controllers: [Books] })
class App {}

const app =
  process.env.APP_FRAMEWORK === 'fastify'
    ? await NestFactory.create(App, new FastifyAdapter(), { logger: false })
    : await NestFactory.create(App, { logger: false })
app.setGlobalPrefix('api')
await app.listen(0, '127.0.0.1')
for (const path of ['/api/books/emma', '/none/emma'])
  await fetch(`${await app.getUrl()}${path}`).then(async (one) => console.log(one.status, await one.text()))
await app.close()
await endWork()
