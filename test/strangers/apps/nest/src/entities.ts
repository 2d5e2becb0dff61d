import { Column, Entity, JoinTable, ManyToMany, ManyToOne, OneToMany, PrimaryGeneratedColumn } from 'typeorm'

@Entity()
export class Author {
  @PrimaryGeneratedColumn()
  id!: number

  @Column('text')
  name!: string

  @OneToMany(
    () => Book,
    (book) => book.author,
    { lazy: true },
  )
  books!: Promise<Book[]>
}

@Entity()
export class Tag {
  @PrimaryGeneratedColumn()
  id!: number

  @Column('text')
  name!: string
}

@Entity()
export class Book {
  @PrimaryGeneratedColumn()
  id!: number

  @Column('text')
  title!: string

  @Column('int')
  price!: number

  @Column('int')
  authorId!: number

  @ManyToOne(
    () => Author,
    (author) => author.books,
    { lazy: true },
  )
  author!: Promise<Author>

  @ManyToMany(() => Tag, { lazy: true })
  @JoinTable()
  tags!: Promise<Tag[]>

  @OneToMany(
    () => Review,
    (review) => review.book,
    { lazy: true },
  )
  reviews!: Promise<Review[]>
}

@Entity()
export class Review {
  @PrimaryGeneratedColumn()
  id!: number

  @Column('text')
  text!: string

  @Column('int')
  stars!: number

  @Column('int')
  bookId!: number

  @ManyToOne(
    () => Book,
    (book) => book.reviews,
    { lazy: true },
  )
  book!: Promise<Book>
}

export const ENTITIES = [Author, Book, Review, Tag]
