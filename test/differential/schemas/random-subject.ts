import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PrismaSchemaData } from '@sluice/prisma'
import { PrismaSchema } from '../../../packages/prisma/src/schema/prisma-schema.ts'
import type { Database } from '../../support/database.ts'
import { createAdapter, type PrismaClients, type TestPrismaClient } from '../../support/prisma-clients.ts'
import { Random } from '../../support/random.ts'
import type { Subject } from '../subject.ts'
import type { SchemaPlace } from './plan.ts'
import { fillTables } from './random-rows.ts'
import { schemaVocabulary } from './schema-vocabulary.ts'

/** A random schema that `generate.mjs` has made, with rows. */
export async function randomSubject({ seed, dialect, folder }: SchemaPlace, database: Database): Promise<Subject> {
  const path = join(import.meta.dirname, '../../generated/schemas', folder)
  const load = (file: string): Promise<unknown> => import(/* @vite-ignore */ pathToFileURL(join(path, file)).href)
  const { PrismaClient } = (await load('client/client.ts')) as Pick<PrismaClients, 'PrismaClient'>
  const { schema } = (await load('sluice/index.js')) as { readonly schema: PrismaSchemaData }
  return {
    clients: {
      PrismaClient,
      schema,
      ddl: readFileSync(join(path, 'schema.sql'), 'utf8'),
      createAdapter: () => createAdapter(dialect, database),
    },
    fill: (prisma: TestPrismaClient) => fillTables(prisma, new PrismaSchema(schema), new Random(seed)),
    vocabulary: schemaVocabulary,
  }
}
