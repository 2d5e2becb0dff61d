import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sluiceIn } from '../support/run-sluice.ts'
import { type Project, sqliteProject } from '../support/sqlite-project.ts'

let project: Project

beforeEach(() => {
  vi.stubEnv('DATABASE_URL', '')
  vi.stubEnv('REDIS_URL', '')
  project = sqliteProject()
})
afterEach(() => {
  vi.unstubAllEnvs()
  project.remove()
})

const env = (text: string) => writeFileSync(join(project.folder, '.env'), text)

describe('sluice doctor', () => {
  it('finds the database URL in the project, and checks the database', async () => {
    env('DATABASE_URL="file:./app.db"\n')
    const { code, out, err } = await sluiceIn(project.folder, 'doctor')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^sluice doctor\nok {4}Node\.js \d/)
    expect(out).toContain('ok    database URL: DATABASE_URL in .env\n')
    expect(out).toMatch(/ok {4}SQLite 3\./)
    expect(out).toContain('ok    all large tables were analyzed\n')
    expect(out).toContain('ok    catalog and statistics are readable: 2 tables\n')
  })

  it('exits with code 0 without a database, and warns', async () => {
    const { code, out } = await sluiceIn(project.folder, 'doctor')
    expect(code).toBe(0)
    expect(out).toContain(
      'warn  no database was checked\n      fix: Set DATABASE_URL, or run: npx sluice doctor <url>\n',
    )
  })

  it('warns about ignored findings that the app does not read', async () => {
    mkdirSync(join(project.folder, 'sluice'))
    writeFileSync(join(project.folder, 'sluice/ignore.json'), '{}')
    writeFileSync(join(project.folder, 'app.js'), "import '@sluice/core'\n")
    const { out } = await sluiceIn(project.folder, 'doctor')
    expect(out).toContain('warn  no source file reads sluice/ignore.json')
  })

  it('exits with code 3 when the database does not respond, after all other checks, without the password', async () => {
    const { code, out } = await sluiceIn(project.folder, 'doctor', 'postgresql://ann:secret@127.0.0.1:1/shop')
    expect(code).toBe(3)
    expect(out).toContain('fail  Cannot connect to postgresql://ann@127.0.0.1:1/shop')
    expect(out).toContain('Node.js')
    expect(out).not.toContain('secret')
  })

  it('exits with code 1 when Redis does not respond', async () => {
    env('REDIS_URL=redis://ann:secret@127.0.0.1:1\n')
    const { code, out } = await sluiceIn(project.folder, 'doctor', project.url)
    expect(code).toBe(1)
    expect(out).toContain('fail  Redis at redis://ann@127.0.0.1:1 does not respond')
    expect(out).not.toContain('secret')
    expect(out).toMatch(/\d+ ok · .*1 failure\n$/)
  })

  it('fails for an unsupported database URL', async () => {
    const { code, out } = await sluiceIn(project.folder, 'doctor', 'mongodb://ann:secret@db/shop')
    expect([code, out.includes('secret')]).toEqual([1, false])
    expect(out).toContain('fail  the database was not checked')
  })

  it('prints the checks as JSON', async () => {
    const { schemaVersion, checks } = JSON.parse(
      (await sluiceIn(project.folder, 'doctor', project.url, '--json')).out,
    )
    expect(schemaVersion).toBe(1)
    expect(checks[0]).toEqual({ level: 'ok', text: `Node.js ${process.versions.node}` })
  })

  it('exits with code 1 when the middleware comes after a route, also as JSON', async () => {
    const app = `import express from 'express'
import { sluiceMiddleware } from '@sluice/express'
import { prisma } from './prisma.js'
const app = express()
app.get('/cities', async (request, response) => response.json(await prisma.city.findMany()))
app.use(sluiceMiddleware())
`
    writeFileSync(join(project.folder, 'app.ts'), app)
    const { code, out } = await sluiceIn(project.folder, 'doctor')
    expect(code).toBe(1)
    expect(out).toContain(
      'fail  scope: middleware registered after routes: GET /cities has no scope\n      fix: Move app.use(sluiceMiddleware()) of app.ts:6 above app.ts:5\n',
    )
    const { checks } = JSON.parse((await sluiceIn(project.folder, 'doctor', '--json')).out)
    expect(checks).toContainEqual({
      level: 'fail',
      text: 'scope: middleware registered after routes: GET /cities has no scope',
      fix: 'Move app.use(sluiceMiddleware()) of app.ts:6 above app.ts:5',
    })
    writeFileSync(join(project.folder, 'app.ts'), 'import "@sluice/express"\nconst = 1\n')
    const skipped = await sluiceIn(project.folder, 'doctor')
    expect([skipped.code, skipped.out]).toEqual([
      0,
      expect.stringMatching(/skip {2}app\.ts could not be read: .*[\s\S]* · 1 skipped/),
    ])
  })

  it('reports the same problems of statistics as analyze', async () => {
    project.remove()
    project = sqliteProject({}, { isAnalyzed: false })
    const doctor = (await sluiceIn(project.folder, 'doctor', project.url)).out
    const analyze = (await sluiceIn(project.folder, 'analyze', project.url)).out
    expect(doctor).toContain('warn  never analyzed: city\n')
    expect(analyze).toContain('never analyzed: city\n')
    expect(doctor).toContain('ok    catalog and statistics are readable')
    expect(analyze).not.toContain('not available: statistics')
    project.remove()
    project = sqliteProject()
    expect((await sluiceIn(project.folder, 'analyze', project.url)).out).not.toMatch(/analyzed|not available/)
    const file = new Sqlite(project.url.slice('file:'.length))
    file.exec('DELETE FROM city WHERE id > 10000')
    file.close()
    const changed = 'changed since it was analyzed: city\n'
    expect((await sluiceIn(project.folder, 'doctor', project.url)).out).toContain(`warn  ${changed}`)
    expect((await sluiceIn(project.folder, 'analyze', project.url)).out).toContain(changed)
  })

  it('rejects a second database URL', async () => {
    expect((await sluiceIn(project.folder, 'doctor', 'a.db', 'b.db')).code).toBe(2)
  })
})
