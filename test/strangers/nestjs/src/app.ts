import 'reflect-metadata'
import {
  Controller,
  Get,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common'
import { createSluice } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice } from '@sluice/knex'
import { knex } from 'knex'

export const sluice = createSluice()

@Injectable()
export class Books implements OnApplicationShutdown {
  readonly db = withSluice(
    knex({
      client: 'better-sqlite3',
      connection: ':memory:',
      useNullAsDefault: true,
      pool: { min: 1, max: 1 },
    }),
    sluice,
  )

  async seed(): Promise<void> {
    await this.db.schema.createTable('author', (table) => void table.increments('id'))
    await this.db.schema.createTable('book', (table) => {
      table.increments('id')
      table.integer('author_id')
    })
    for (let id = 1; id <= 10; id += 1) {
      await this.db('author').insert({ id })
      await this.db('book').insert({ author_id: id })
    }
  }

  async list(): Promise<unknown[]> {
    const list: unknown[] = []
    for (const book of await this.db('book'))
      list.push({ ...book, author: await this.db('author').where({ id: book.author_id }).first() })
    return list
  }

  async onApplicationShutdown(): Promise<void> {
    await sluice.close()
    await this.db.destroy()
  }
}

@Controller('books')
export class BooksController {
  constructor(private readonly books: Books) {}

  @Get()
  list(): Promise<unknown[]> {
    return this.books.list()
  }
}

@Module({ controllers: [BooksController], providers: [Books] })
export class AppModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(sluiceMiddleware(sluice)).forRoutes('*')
  }
}
