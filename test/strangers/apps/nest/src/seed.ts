// Creates the tables and their rows in the database of DATABASE_URL.
import 'reflect-metadata'
import { DataSource } from 'typeorm'
import { ENTITIES } from './entities.ts'

const db = new DataSource({
  type: 'postgres',
  url: process.env.DATABASE_URL,
  entities: ENTITIES,
  synchronize: true,
})
await db.initialize()
await db.query("INSERT INTO author (name) SELECT 'Author ' || n FROM generate_series(1, 60) n")
await db.query("INSERT INTO tag (name) SELECT 'Tag ' || n FROM generate_series(1, 20) n")
await db.query(
  `INSERT INTO book (title, price, "authorId") SELECT 'Book ' || n, n * 37 % 500, n * 7 % 60 + 1 FROM generate_series(1, 300) n`,
)
await db.query(
  `INSERT INTO book_tags_tag ("bookId", "tagId") SELECT n, (n * m) % 20 + 1 FROM generate_series(1, 300) n, (VALUES (1), (3)) t (m) ON CONFLICT DO NOTHING`,
)
await db.query(
  `INSERT INTO review (text, stars, "bookId") SELECT 'Review ' || n, n % 5 + 1, n * 11 % 300 + 1 FROM generate_series(1, 900) n`,
)
await db.destroy()
