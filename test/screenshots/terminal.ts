// Writes the terminal picture of the README and the home page: the real output of the quick start with
// Prisma, at its first request. `pnpm docs:terminal`. Requires the built packages.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDdl } from '../prisma/create-ddl.mjs'
import { readPage } from '../quick-start/page.ts'
import { Project } from '../quick-start/project.ts'
import { terminalSvg } from './terminal-svg.ts'

const SCHEMA = 'prisma/schema.prisma'
const SERVER = 'src/server.ts'

async function firstRequest(): Promise<string> {
  const { files } = readPage('quick-start-prisma')
  const project = new Project()
  try {
    for (const [path, code] of files) project.write(path, code)
    project.exec(
      'books.db',
      await createDdl('sqlite', { path: 'schema.prisma', content: files.get(SCHEMA) ?? '' }),
    )
    project.generate()
    project.seed()
    return (
      await project.serve(files.get(SERVER) ?? '', 1, /mute.*\n/, { FORCE_COLOR: '1', NO_COLOR: undefined })
    ).printed
  } finally {
    project.remove()
  }
}

const lines = [
  `\u001b[2m$\u001b[0m npx tsx ${SERVER}`,
  ...(await firstRequest())
    .trim()
    .replace(/^(?=.*▲)/m, '\n')
    .split('\n'),
]
writeFileSync(join(import.meta.dirname, '../../docs/screenshots/terminal.svg'), terminalSvg('books', lines))
