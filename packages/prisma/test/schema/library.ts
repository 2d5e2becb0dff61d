import type { PrismaSchemaData } from '../../src/schema/prisma-schema-data.ts'
import { belongsTo, hasMany, hasOne, model, scalar, schemaData } from './schema-builder.ts'

const id = scalar('Int', { id: true })

/**
 * A library with every kind of relation: to one, to many, one-to-one, self-relation, many-to-many, by an
 * alternate key.
 */
export function library(more: Partial<PrismaSchemaData> = {}): PrismaSchemaData {
  return schemaData(
    [
      model(
        'Author',
        {
          id: scalar('Int', { id: true, column: 'author_id' }),
          email: scalar('String', { unique: true }),
          name: scalar('String'),
          changed: scalar('DateTime', { updatedAt: true, column: 'changed_at' }),
          books: hasMany('Book', 'AuthorToBook'),
          card: hasOne('Card', 'AuthorToCard'),
        },
        { table: 'authors' },
      ),
      model(
        'Book',
        {
          id,
          shelf: scalar('Int'),
          place: scalar('Int'),
          title: scalar('String'),
          authorId: scalar('Int', { column: 'author' }),
          author: belongsTo('Author', 'AuthorToBook', [['authorId'], ['id']], { onDelete: 'Cascade' }),
          sequelTo: scalar('Int', { required: false }),
          prequel: belongsTo('Book', 'sequel', [['sequelTo'], ['id']], { optional: true }),
          sequels: hasMany('Book', 'sequel'),
          genres: hasMany('Genre', 'BookToGenre'),
          loans: hasMany('Loan', 'BookToLoan'),
        },
        { uniqueKeys: [{ name: 'spot', fields: ['shelf', 'place'] }, { fields: ['title', 'authorId'] }] },
      ),
      model('Genre', { id, books: hasMany('Book', 'BookToGenre') }),
      model('Loan', {
        id,
        bookId: scalar('Int'),
        book: belongsTo('Book', 'BookToLoan', [['bookId'], ['id']], { onDelete: 'Cascade' }),
      }),
      model('Card', {
        id,
        data: scalar('Json', { required: false }),
        ownerEmail: scalar('String', { required: false, unique: true }),
        owner: belongsTo('Author', 'AuthorToCard', [['ownerEmail'], ['email']], { optional: true }),
        stamps: hasMany('Stamp', 'CardToStamp'),
      }),
      model('Stamp', {
        id,
        cardId: scalar('Int'),
        card: belongsTo('Card', 'CardToStamp', [['cardId'], ['id']]),
      }),
      model('Report', { total: scalar('Int') }, { view: true, table: 'report' }),
    ],
    more,
  )
}
