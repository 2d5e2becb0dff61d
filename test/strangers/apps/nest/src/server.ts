import 'reflect-metadata'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { TypeOrmModule } from '@nestjs/typeorm'
import { AuthorsController, BooksController } from './controllers.ts'
import { ENTITIES } from './entities.ts'

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: process.env.DATABASE_URL, entities: ENTITIES }),
    TypeOrmModule.forFeature(ENTITIES),
  ],
  controllers: [AuthorsController, BooksController],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error'] })
await app.listen(Number(process.env.PORT), '127.0.0.1')
