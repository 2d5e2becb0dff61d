import { Body, Controller, Get, Inject, NotFoundException, Param, Patch, Post, Query } from '@nestjs/common'
import { InjectRepository } from '@nestjs/typeorm'
import { DataSource, In, type Repository } from 'typeorm'
import { Author, Book, Review, Tag } from './entities.ts'

const PAGE = 10

@Controller('authors')
export class AuthorsController {
  constructor(
    @InjectRepository(Author) private readonly authors: Repository<Author>,
    @InjectRepository(Book) private readonly books: Repository<Book>,
  ) {}

  @Get()
  async list(@Query('page') page = '0') {
    const authors = await this.authors.find({ order: { id: 'ASC' }, take: PAGE, skip: Number(page) * PAGE })
    const counts = await Promise.all(authors.map(({ id }) => this.books.countBy({ authorId: id })))
    return authors.map(({ id, name }, at) => ({ id, name, books: counts[at] }))
  }

  @Get(':id')
  async one(@Param('id') id: string) {
    const author = await this.authors.findOneBy({ id: Number(id) })
    if (author === null) throw new NotFoundException()
    const books = (await author.books).sort((a, b) => a.id - b.id)
    const all: unknown[] = []
    for (const book of books) {
      const reviews = await book.reviews
      const stars = reviews.reduce((sum, review) => sum + review.stars, 0)
      all.push({ title: book.title, reviews: reviews.length, stars })
    }
    return { name: author.name, books: all }
  }
}

@Controller('books')
export class BooksController {
  constructor(
    @InjectRepository(Book) private readonly books: Repository<Book>,
    @InjectRepository(Author) private readonly authors: Repository<Author>,
    @InjectRepository(Review) private readonly reviews: Repository<Review>,
    @Inject(DataSource) private readonly db: DataSource,
  ) {}

  /** The author and the tags of each book are lazy relations. */
  @Get()
  async list(@Query('page') page = '0') {
    const books = await this.books.find({ order: { id: 'ASC' }, take: PAGE, skip: Number(page) * PAGE })
    const all: unknown[] = []
    for (const book of books) {
      const { name } = await book.author
      all.push({ title: book.title, author: name, tags: await namesOf(book) })
    }
    return all
  }

  @Get('cheap')
  async cheap(@Query('below') below = '100') {
    const books = await this.books
      .createQueryBuilder('book')
      .where('book.price < :below', { below: Number(below) })
      .orderBy('book.price')
      .addOrderBy('book.id')
      .limit(PAGE)
      .getMany()
    return Promise.all(
      books.map(async ({ title, authorId }) => ({
        title,
        author: (await this.authors.findOneByOrFail({ id: authorId })).name,
      })),
    )
  }

  @Get('joined')
  joined(@Query('page') page = '0') {
    return this.books.find({
      relations: { author: true, tags: true },
      order: { id: 'ASC', tags: { id: 'ASC' } },
      take: PAGE,
      skip: Number(page) * PAGE,
    })
  }

  @Get(':id')
  async one(@Param('id') id: string) {
    const book = await this.books.findOne({ where: { id: Number(id) }, relations: { author: true } })
    if (book === null) throw new NotFoundException()
    const reviews = await this.reviews.find({ where: { bookId: book.id }, order: { id: 'ASC' } })
    return { title: book.title, author: (await book.author).name, reviews, tags: await namesOf(book) }
  }

  @Post()
  create(@Body() { title, authorId, tagIds }: { title: string; authorId: number; tagIds: number[] }) {
    return this.db.transaction(async (manager) => {
      const tags = await manager.find(Tag, { where: { id: In(tagIds) }, order: { id: 'ASC' } })
      const book = manager.create(Book, { title, price: title.length, authorId })
      book.tags = Promise.resolve(tags)
      const { id } = await manager.save(book)
      return { id, tags: tags.length, books: await manager.countBy(Book, { authorId }) }
    })
  }

  @Patch(':id')
  async update(@Param('id') id: string, @Body() body: { price: number }) {
    await this.books.update({ id: Number(id) }, body)
    return this.books.findOneBy({ id: Number(id) })
  }

  @Post(':id/reviews')
  async review(@Param('id') id: string, @Body() { text, stars }: { text: string; stars: number }) {
    await this.reviews.save({ bookId: Number(id), text, stars })
    return { reviews: await this.reviews.countBy({ bookId: Number(id) }) }
  }
}

async function namesOf(book: Book): Promise<string[]> {
  return (await book.tags).map(({ name }) => name).sort()
}
