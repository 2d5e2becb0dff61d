// Imports a module whose hook throws.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { hookModules } from '../../packages/sluice/src/esm-hooks.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-hook-'))
process.on('exit', () => rmSync(folder, { recursive: true }))
const module = join(folder, 'answer.mjs')
writeFileSync(module, 'export const answer = 42')
const wrap = () => {
  throw new Error('This version has no answer.')
}
hookModules([{ client: 'a client', file: /answer\.mjs$/, names: ['answer'], hasDefault: false, wrap }], [])
const { answer } = (await import(pathToFileURL(module).href)) as { readonly answer: number }
console.log(answer)
