import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PrismaSchemaData } from '../../src/schema/prisma-schema-data.ts'
import { writeSchema } from '../../src/schema/write-schema.ts'

const data: PrismaSchemaData = { version: 1, provider: 'sqlite', relationMode: 'foreignKeys', models: [] }

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-schema-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, content: string): void {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

const writePackage = (type?: string) => write('package.json', JSON.stringify({ type }))
const generate = (folder: string, typescript: boolean) =>
  writeSchema(join(root, folder), data, { typescript })
const files = () => readdirSync(join(root, 'src/sluice')).sort()

/** The output of a program, or its error. */
function run(path: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, [join(root, path)], { encoding: 'utf8' })
  return stdout.trim() || stderr
}

/**
 * Compiles a program to `out`.
 *
 * @returns its errors.
 */
function compile(path: string, options: ts.CompilerOptions): string[] {
  write('node_modules/@sluice/prisma/package.json', '{ "types": "index.d.ts" }')
  write(
    'node_modules/@sluice/prisma/index.d.ts',
    'export interface PrismaSchemaData { readonly version: 1; provider: string; relationMode: string; models: object[] }',
  )
  const program = ts.createProgram([join(root, path)], {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    types: [],
    skipDefaultLibCheck: true,
    strict: true,
    isolatedModules: true,
    isolatedDeclarations: true,
    declaration: true,
    noUnusedLocals: true,
    outDir: join(root, 'out'),
    ...options,
  })
  const { diagnostics } = program.emit()
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(({ messageText }) =>
    ts.flattenDiagnosticMessageText(messageText, '\n'),
  )
}

const IMPORT = "import { schema } from './sluice/index.js'"
const USE = `
const right: 1 = schema.version
// @ts-expect-error The type is declared.
const wrong: string = schema.version
declare const console: { log(...texts: unknown[]): void }
console.log(schema.provider, right, wrong)
`
const { ModuleKind, ModuleResolutionKind } = ts

describe('writeSchema', () => {
  it.each([
    ['CommonJS', undefined, { module: ModuleKind.CommonJS, moduleResolution: ModuleResolutionKind.Node10 }],
    ['NodeNext in a CommonJS package', 'commonjs', { module: ModuleKind.NodeNext }],
    [
      'NodeNext in an ES module package',
      'module',
      { module: ModuleKind.NodeNext, verbatimModuleSyntax: true },
    ],
    [
      'ESNext for a bundler',
      'module',
      {
        module: ModuleKind.ESNext,
        moduleResolution: ModuleResolutionKind.Bundler,
        verbatimModuleSyntax: true,
      },
    ],
  ])('writes TypeScript that tsc compiles to its outDir as %s', async (_, type, options) => {
    writePackage(type)
    await generate('src/sluice', true)
    write('src/app.ts', IMPORT + USE)
    expect(compile('src/app.ts', options)).toEqual([])
    expect(run('out/app.js')).toBe('sqlite 1 1')
  })

  it('writes TypeScript that compiles as CommonJS with verbatimModuleSyntax', async () => {
    writePackage()
    await generate('src/sluice', true)
    const required = "import sluice = require('./sluice/index.js')\nconst { schema } = sluice"
    write('src/app.ts', required + USE)
    expect(compile('src/app.ts', { module: ModuleKind.CommonJS, verbatimModuleSyntax: true })).toEqual([])
    expect(run('out/app.js')).toBe('sqlite 1 1')
  })

  it.each([
    [undefined, 'app.js', "const { schema } = require('./sluice')"],
    [undefined, 'app.mjs', IMPORT],
    ['commonjs', 'app.js', "const { schema } = require('./sluice')"],
    ['module', 'app.js', IMPORT],
  ])('writes JavaScript that Node loads in a package of type %s from %s', async (type, name, code) => {
    writePackage(type)
    await generate('src/sluice', false)
    write(`src/${name}`, `${code}\nconsole.log(schema.provider)\n`)
    expect(run(`src/${name}`)).toBe('sqlite')
  })

  it.each([
    [undefined, ModuleKind.CommonJS],
    ['module', ModuleKind.NodeNext],
  ])('writes JavaScript that compiled sources load (%s, module %s)', async (type, module) => {
    writePackage(type)
    await generate('sluice', false)
    write('src/app.ts', IMPORT.replace('./', '../') + USE)
    expect(compile('src/app.ts', { module })).toEqual([])
    expect(run('out/app.js')).toBe('sqlite 1 1')
  })

  it('follows the package.json that is nearest to the files', async () => {
    writePackage('module')
    write('src/package.json', '{ "type": "commonjs" }')
    await generate('src/sluice', false)
    write('src/app.js', "console.log(require('./sluice').schema.provider)")
    expect(run('src/app.js')).toBe('sqlite')
  })

  it('deletes the files of the other kind', async () => {
    await generate('src/sluice', false)
    expect(files()).toEqual(['index.d.ts', 'index.js'])
    await generate('src/sluice', true)
    expect(files()).toEqual(['index.ts'])
    await generate('src/sluice', false)
    expect(files()).toEqual(['index.d.ts', 'index.js'])
  })
})
