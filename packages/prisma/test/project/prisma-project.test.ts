import { planFixFiles } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import { create, databaseFacts, index } from '../../../core/test/database/fixes/facts.ts'
import { type PrismaProject, prismaProject } from '../../src/project/prisma-project.ts'

const at = new Date('2026-01-02T03:04:05.678Z')
const postgresql = databaseFacts('postgresql')
const byRegion = create('city_region_id_idx', index('public.city', ['region_id']))
const byTrigram = create(
  't',
  index('public.city', [{ column: 'name', operatorClass: 'gin_trgm_ops' }], { method: 'gin' }),
)
const lower = create('city_lower_idx', index('public.city', [{ column: 'name', expression: 'lower(name)' }]))
const content = 'model city {\n  id Int @id\n  name String\n  region_id Int\n}\n'
const schemaFiles = [{ path: 'prisma/schema.prisma', content }]
const prisma = (more: Partial<PrismaProject> = {}) =>
  prismaProject({ schemaFiles, migrationsDir: 'prisma/migrations', ...more })

describe('prismaProject', () => {
  it('patches a Prisma schema, and creates each index in a separate migration', () => {
    const { files, patched } = planFixFiles([byRegion, byTrigram], prisma(), postgresql, at)
    expect(files.map(({ path, isPatch }) => [path, isPatch])).toEqual([
      ['prisma/schema.prisma', true],
      ['prisma/migrations/20260102030405_add_city_region_id_idx/migration.sql', false],
      ['prisma/migrations/20260102030406_add_t_1/migration.sql', false],
      ['prisma/migrations/20260102030407_add_t_2/migration.sql', false],
    ])
    expect(patched).toHaveLength(2)
    for (const { content: sql } of files.slice(1))
      expect(sql.split('\n').filter((line) => !line.startsWith('--') && line !== '')).toHaveLength(1)
  })

  it('numbers migrations after the existing ones', () => {
    const { files } = planFixFiles(
      [byRegion],
      prisma({ migrations: ['20260102030500_later', 'migration_lock.toml', '0_init'] }),
      postgresql,
      at,
    )
    expect(files[1]?.path).toBe('prisma/migrations/20260102030501_add_city_region_id_idx/migration.sql')
  })

  it('writes one migration on databases other than PostgreSQL', () => {
    const facts = databaseFacts('sqlite')
    const changes = [
      create('a', index('main.city', ['name'])),
      create('b', index('main.city', ['region_id'])),
    ]
    const { files } = planFixFiles(changes, prisma(), facts, at)
    expect(files.map(({ path }) => path)).toEqual([
      'prisma/schema.prisma',
      'prisma/migrations/20260102030405_add_a_and_1_more/migration.sql',
    ])
  })

  it('writes a migration and a reason when the schema cannot express an index that Prisma keeps', () => {
    const { files, refused } = planFixFiles([lower], prisma(), postgresql, at)
    expect(files.map(({ path }) => path)).toEqual([
      'prisma/migrations/20260102030405_add_city_lower_idx/migration.sql',
    ])
    expect(refused[0]?.why).toContain('expression')
  })

  it('writes SQL for an index that Prisma would drop', () => {
    const odd = create(
      'x',
      index('public.city', [{ column: 'name', operatorClass: 'own_ops' }], { method: 'gin' }),
    )
    const { files, refused } = planFixFiles(
      [odd],
      prisma({ fixes: { existing: ['001_a.sql', '012_b.sql'] } }),
      postgresql,
      at,
    )
    expect(files.map(({ path }) => path)).toEqual(['sluice/fixes/013_x.sql'])
    expect(refused[0]?.sql).toEqual(['CREATE INDEX CONCURRENTLY "x" ON "city" USING gin ("name" own_ops)'])
  })

  it('writes SQL and the patch for a project without migrations', () => {
    const { files } = planFixFiles([byRegion, lower], prismaProject({ schemaFiles }), postgresql, at)
    expect(files.map(({ path }) => path)).toEqual([
      'prisma/schema.prisma',
      'sluice/fixes/001_city_region_id.sql',
    ])
    expect(files[1]?.content).toContain('lower(name)')
  })

  it('writes nothing for an index that the schema contains', () => {
    const schemaFiles = [
      { path: 'schema.prisma', content: content.replace('\n}', '\n\n  @@index([region_id, name])\n}') },
    ]
    const { files, unchanged } = planFixFiles([byRegion], prisma({ schemaFiles }), postgresql, at)
    expect(files).toEqual([])
    expect(unchanged).toHaveLength(1)
  })

  it('does not let a name end a comment', () => {
    const odd = create('a\nDROP TABLE x;', index('public.ci\nty', ['na;me']))
    const { files } = planFixFiles([odd], prisma({ schemaFiles: [{ path: 's', content }] }), postgresql, at)
    for (const { content: sql } of files)
      for (const line of sql.split('\n')) if (line.startsWith('--')) expect(line).not.toContain(';')
    expect(files[0]?.path).toBe('prisma/migrations/20260102030405_add_a_drop_table_x/migration.sql')
  })
})
