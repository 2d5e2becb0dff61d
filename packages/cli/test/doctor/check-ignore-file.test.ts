import { describe, expect, it } from 'vitest'
import { checkIgnoreFile } from '../../src/doctor/check-ignore-file.ts'
import { AppSources } from '../../src/source/app-sources.ts'
import { appFolder } from '../support/app-folder.ts'

const HEAD = "import { createSluice, readIgnoreFile } from '@sluice/core'\n"
const UNREAD = "import { createSluice } from '@sluice/core'\ncreateSluice()"

async function levels(files: Readonly<Record<string, string>>): Promise<string[]> {
  const { folder, remove } = appFolder(files)
  try {
    return checkIgnoreFile(await AppSources.of(folder), folder).map(({ level }) => level)
  } finally {
    remove()
  }
}

describe('checkIgnoreFile', () => {
  it('warns when no source file reads the ignored findings', async () => {
    expect(await levels({ 'sluice/ignore.json': '{}', 'src/sluice.ts': UNREAD })).toEqual(['warn'])
  })

  it.each([
    ['a call', `${HEAD}createSluice({ detection: { ignore: readIgnoreFile() } })`],
    ['a custom reader', `import file from '../sluice/ignore.json'\n${UNREAD}`],
    ['no Sluice', 'export const port = 3000'],
  ])('finds no problem with %s', async (_what, source) => {
    expect(await levels({ 'sluice/ignore.json': '{}', 'src/sluice.ts': source })).toEqual([])
  })

  it('finds no problem without the file', async () => {
    expect(await levels({ 'src/sluice.ts': UNREAD })).toEqual([])
  })
})
