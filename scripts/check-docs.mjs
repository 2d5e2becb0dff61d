// Compares docs and code: error codes, codes of database findings, options with their defaults, events,
// statistics, entry points with API pages; that internal links lead to a file, and that examples compile.
// Needs the example's generated clients (`npm test` or `pnpm run generate` writes them).
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '..')
const docs = join(root, 'docs')
const problems = []
const read = (path) => readFileSync(join(root, path), 'utf8')

/** The entry points without a promise. */
const INTERNAL = ['@sluice/core/siblings']

/** Reports names that are on one side only. */
function compare(what, inCode, inDocs, page) {
  for (const name of inCode)
    if (!inDocs.has(name)) problems.push(`${page}: ${what} "${name}" is in the code and not in the docs.`)
  for (const name of inDocs)
    if (!inCode.has(name)) problems.push(`${page}: ${what} "${name}" is in the docs and not in the code.`)
}

const files = new Map()
function parse(path) {
  const known = files.get(path)
  if (known !== undefined) return known
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  files.set(path, file)
  return file
}

/** The interface of a name in a file, or in the file that it is imported from. */
function interfaceIn(path, name) {
  const { statements } = parse(path)
  const found = statements.find(
    (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === name,
  )
  if (found !== undefined) return found
  const origin = statements.find(
    (statement) => ts.isImportDeclaration(statement) && importedNames(statement).includes(name),
  )
  if (origin === undefined) throw new Error(`${relative(root, path)} has no interface ${name}.`)
  return interfaceIn(join(dirname(path), origin.moduleSpecifier.text), name)
}

function importedNames({ importClause }) {
  const names = importClause?.namedBindings
  return names !== undefined && ts.isNamedImports(names)
    ? names.elements.map((element) => element.name.text)
    : []
}

/** Members in order, each with the text of its `@defaultValue`. */
function membersOf(declaration) {
  const members = new Map()
  for (const member of declaration.members) {
    if (!ts.isPropertySignature(member) && !ts.isMethodSignature(member)) continue
    const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'defaultValue')
    // TSDoc requires escaped braces.
    members.set(
      member.name.getText(),
      tag
        ?.getText()
        .replace(/^@defaultValue\s*/, '')
        .replace(/\n\s*\*\s*/g, ' ')
        .replace(/\\([{}])/g, '$1'),
    )
  }
  return members
}

/** The entry points of all packages, with their sources. */
function entryPoints() {
  return readdirSync(join(root, 'packages')).flatMap((folder) => {
    const { name, exports } = JSON.parse(read(join('packages', folder, 'package.json')))
    return Object.entries(exports)
      .filter(([, conditions]) => typeof conditions === 'object')
      .map(([path, conditions]) => ({
        name: join(name, path),
        source: join(root, 'packages', folder, conditions['@sluice/source']),
      }))
  })
}

/** The entry points that export something. */
const exportingEntryPoints = () =>
  entryPoints().filter(({ source }) => parse(source).statements.some(ts.isExportDeclaration))

/** The names of the values that a file exports from others. */
function valuesOf(path) {
  return parse(path)
    .statements.filter((statement) => ts.isExportDeclaration(statement) && !statement.isTypeOnly)
    .flatMap(({ exportClause }) =>
      exportClause.elements.filter((element) => !element.isTypeOnly).map((element) => element.name.text),
    )
}

function checkEntryPoints() {
  const page = 'docs/reference/entry-points.md'
  const tables = tablesOf(page)
  const exporting = exportingEntryPoints()
  compare('entry point', new Set(exporting.map(({ name }) => name)), new Set(tables.keys()), page)
  for (const { name, source } of exporting)
    compare(`value of ${name}`, new Set(valuesOf(source)), new Set(tables.get(name)?.keys() ?? []), page)
}

const isOptionName = (name) => /^([A-Z].*Options|CacheControl)$/.test(name) && !name.startsWith('Resolved')

/** The declaration of a name in a file, or in the file that it is imported from, with its file. */
function declarationIn(path, name) {
  const { statements } = parse(path)
  const found = statements.find((statement) => statement.name?.text === name)
  if (found !== undefined) return { path, declaration: found }
  const origin = statements.find(
    (statement) => ts.isImportDeclaration(statement) && importedNames(statement).includes(name),
  )
  const from = origin?.moduleSpecifier.text
  return from?.startsWith('.') ? declarationIn(join(dirname(path), from), name) : undefined
}

/** The names of options in the public types of a declaration. */
function optionNamesIn(declaration) {
  const names = new Set()
  const visit = (node) => {
    const isHidden =
      ts.isBlock(node) ||
      (node.name !== undefined && ts.isPrivateIdentifier(node.name)) ||
      node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) ||
      ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal')
    if (isHidden) return
    if (ts.isIdentifier(node) && isOptionName(node.text)) names.add(node.text)
    ts.forEachChild(node, visit)
  }
  visit(declaration)
  return names
}

/**
 * Every interface that is called `…Options`, and `CacheControl`, over all entry points: its name and members.
 * Includes those of `@sluice/core` that have no export, because only an exported declaration uses them.
 */
function optionInterfaces() {
  const found = new Map()
  const declared = new Map()
  const add = (path, name, isNested) => {
    const known = declarationIn(path, name)
    if (known === undefined || !ts.isInterfaceDeclaration(known.declaration)) return
    // The docs have one table for a name.
    if (declared.has(name) && declared.get(name) !== known.declaration)
      problems.push(`${name} is the name of two interfaces.`)
    if (declared.has(name)) return
    declared.set(name, known.declaration)
    found.set(name, membersOf(known.declaration))
    if (isNested) for (const nested of optionNamesIn(known.declaration)) add(known.path, nested, true)
  }
  for (const { name: entryPoint, source: index } of entryPoints()) {
    if (INTERNAL.includes(entryPoint)) continue
    for (const statement of parse(index).statements) {
      if (
        !ts.isExportDeclaration(statement) ||
        !statement.exportClause ||
        !ts.isNamedExports(statement.exportClause)
      )
        continue
      if (statement.moduleSpecifier?.text.startsWith('.') !== true) continue
      const source = join(dirname(index), statement.moduleSpecifier.text)
      for (const { name: exported } of statement.exportClause.elements) {
        const name = exported.text
        if (isOptionName(name)) add(source, name, entryPoint === '@sluice/core')
        const known = entryPoint === '@sluice/core' ? declarationIn(source, name) : undefined
        if (known === undefined) continue
        for (const nested of optionNamesIn(known.declaration)) add(known.path, nested, true)
      }
    }
  }
  return found
}

const plain = (cell) => cell.replaceAll('`', '').replaceAll('\\|', '|').replace(/\s+/g, ' ').trim()

/** A page's tables by the heading above them: the first cell of each row, and the cell of a column. */
function tablesOf(page, column) {
  const tables = new Map()
  let heading = ''
  let at = -1
  for (const line of read(page).split('\n')) {
    const title = /^#+\s+(.*)$/.exec(line)
    if (title !== null) {
      heading = plain(title[1])
      at = -1
    }
    if (!line.startsWith('|')) continue
    const cells = line.slice(1, line.lastIndexOf('|')).split(/(?<!\\)\|/)
    if (/^\s*:?-+/.test(cells[0])) continue
    if (!tables.has(heading)) {
      tables.set(heading, new Map())
      at = column === undefined ? -1 : cells.findIndex((cell) => plain(cell) === column)
      continue
    }
    // One row may describe several fields: `hits`, `misses`.
    for (const name of plain(cells[0]).split(', '))
      tables.get(heading).set(name, at < 0 ? undefined : plain(cells[at]))
  }
  return tables
}

/** The strings of a type that is one string, or a union of strings. */
function textsOfType(path, name) {
  const { type } = parse(join(root, path)).statements.find(
    (one) => ts.isTypeAliasDeclaration(one) && one.name.text === name,
  )
  return (ts.isUnionTypeNode(type) ? [...type.types] : [type]).map((one) => one.literal.text)
}

/** Each code has a separate section. */
function checkCodes(what, path, type, page, heading) {
  const documented = [...read(page).matchAll(heading)].map((match) => match[1])
  compare(what, new Set(textsOfType(path, type)), new Set(documented), page)
}

function checkErrors() {
  checkCodes(
    'error code',
    'packages/core/src/shared/errors.ts',
    'SluiceErrorCode',
    'docs/reference/errors.md',
    /^## (SLUICE_\w+)$/gm,
  )
}

function checkDatabaseFindings() {
  const path = 'packages/core/src/database/analysis/database-analysis.ts'
  checkCodes(
    'finding',
    path,
    'DatabaseFindingCode',
    'docs/reference/database-findings.md',
    /^## ([A-Z_]+)$/gm,
  )
}

/** The API pages describe the entry points in each `typedoc.json`: all except the ones without a promise. */
function checkApiPages() {
  const inDocs = new Set()
  for (const folder of JSON.parse(read('docs/typedoc.json')).entryPoints) {
    const { entryPoints: sources } = JSON.parse(read(join('docs', folder, 'typedoc.json')))
    for (const source of sources) inDocs.add(join('docs', folder, source))
  }
  const promised = exportingEntryPoints().filter(({ name }) => !INTERNAL.includes(name))
  compare(
    'entry point',
    new Set(promised.map(({ source }) => relative(root, source))),
    inDocs,
    'typedoc.json',
  )
}

/** The pages with options: the first one links to the others. */
function optionPages() {
  return [
    'docs/reference/options.md',
    ...pages(join(docs, 'reference/options')).map((path) => relative(root, path)),
  ]
}

function checkOptions() {
  const shown = new Map()
  for (const page of optionPages()) {
    for (const [name, rows] of tablesOf(page, 'Default')) {
      if (shown.has(name)) problems.push(`${page}: ${name} is also on ${shown.get(name).page}.`)
      shown.set(name, { page, rows })
    }
  }
  // Tables of other things.
  for (const name of ['Options', 'Environment']) shown.delete(name)
  const interfaces = optionInterfaces()
  compare('interface', new Set(interfaces.keys()), new Set(shown.keys()), 'docs/reference/options')
  for (const [name, members] of interfaces) {
    if (!shown.has(name)) continue
    const { page, rows } = shown.get(name)
    compare(`option of ${name}`, new Set(members.keys()), new Set(rows.keys()), page)
    for (const [member, value] of members) {
      const expected = value === undefined ? '—' : plain(value)
      const found = rows.get(member)
      if (found !== undefined && found !== expected)
        problems.push(
          `${page}: the default of ${name}.${member} is "${expected}" in the code and "${found}" in the docs.`,
        )
    }
  }
}

function checkEvents() {
  const page = 'docs/reference/events.md'
  const events = membersOf(interfaceIn(join(root, 'packages/core/src/sluice/events.ts'), 'SluiceEvents'))
  const documented = [...read(page).matchAll(/^## (\w+)$/gm)].map((match) => match[1])
  compare('event', new Set(events.keys()), new Set(documented), page)
}

/** Interfaces whose fields a page lists, under a heading. */
const FIELDS = [
  [
    'packages/core/src/pipeline/query-stats.ts',
    'QueryStatsSnapshot',
    'docs/reference/statistics.md',
    ['Queries'],
  ],
  [
    'packages/core/src/cache/cache-stats.ts',
    'TieredStats',
    'docs/reference/statistics.md',
    ['Cached values'],
  ],
  [
    'packages/core/src/monitoring/report/advice.ts',
    'TuningChange',
    'docs/reference/statistics.md',
    ['Tuning'],
  ],
  ['packages/core/src/cache/cache-stats.ts', 'CacheStats', 'docs/reference/statistics.md', ['Memory']],
  [
    'packages/core/src/cache/cache-stats.ts',
    'CacheEfficiency',
    'docs/reference/statistics.md',
    ['Memory efficiency'],
  ],
  [
    'packages/core/src/cache/stores/kit/guard.ts',
    'StoreCounters',
    'docs/reference/statistics.md',
    ['Shared store'],
  ],
  [
    'packages/core/src/cache/stores/cache-store.ts',
    'RegionState',
    'docs/reference/statistics.md',
    ['Regions'],
  ],
  ['packages/redis/src/regions/redis-relay.ts', 'RedisRelayStats', 'docs/reference/statistics.md', ['Relay']],
  [
    'packages/http/src/response-cache/response-cache-stats.ts',
    'ResponseCacheStats',
    'docs/reference/statistics.md',
    ['Responses'],
  ],
  [
    'packages/core/src/database/workload/workload-record.ts',
    'WorkloadEntry',
    'docs/reference/statistics.md',
    ['Query workload'],
  ],
  [
    'packages/core/src/database/analysis/database-analysis.ts',
    'DatabaseAnalysis',
    'docs/reference/database-findings.md',
    ['DatabaseAnalysis'],
  ],
  [
    'packages/core/src/database/analysis/database-analysis.ts',
    'DatabaseFinding',
    'docs/reference/database-findings.md',
    ['DatabaseFinding'],
  ],
  [
    'packages/core/src/database/analysis/database-analysis.ts',
    'FindingStatement',
    'docs/reference/database-findings.md',
    ['FindingStatement'],
  ],
  ['packages/core/src/query/detect/finding.ts', 'Finding', 'docs/reference/findings.md', ['N_PLUS_ONE']],
]

function checkFields() {
  for (const [source, name, page, headings] of FIELDS) {
    const tables = tablesOf(page)
    const rows = headings.flatMap((heading) => [...(tables.get(heading)?.keys() ?? [])])
    compare(
      `field of ${name}`,
      new Set(membersOf(interfaceIn(join(root, source), name)).keys()),
      new Set(rows),
      page,
    )
  }
}

/** The functions and names whose strings are reasons why an operation was passed through. */
const REASON_CALLS = new Set(['refuse', 'refused', 'passThrough'])
const REASON_NAMES = new Set(['refused'])
const REASON_FUNCTIONS = new Set([
  'selectParts',
  'aggregateRefusal',
  'groupRefusal',
  'calculationRefusal',
  'refuseKeyValue',
  'refusalOfParts',
])
/** Members of classes that return reasons, by the end of their file's path. */
const REASON_MEMBERS = {
  'core/src/adapter/select/nested-queries.ts': '#refusalOf',
  'core/src/cache/result-cache.ts': '#read',
  'core/src/query/batch/batcher.ts': 'examine',
  'core/src/sluice/result-policies.ts': '#decide',
}

/** The strings that an expression can become; interpolated values are shown as `…`. */
function textsIn(node) {
  if (node === undefined) return []
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (ts.isTemplateExpression(node)) return [`${node.head.text}…`]
  if (ts.isConditionalExpression(node)) return [...textsIn(node.whenTrue), ...textsIn(node.whenFalse)]
  return []
}

/** @param isReason - Whether what the surrounding function returns is a reason. */
function reasonsIn(node, isReason = false, member = undefined) {
  const own = []
  if (ts.isCallExpression(node)) {
    const callee = ts.isPropertyAccessExpression(node.expression)
      ? node.expression.name.text
      : node.expression.getText()
    if (REASON_CALLS.has(callee)) own.push(...textsIn(node.arguments[0]))
  } else if (ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node)) {
    if (REASON_NAMES.has(node.name.getText())) own.push(...textsIn(node.initializer))
  } else if (isReason && ts.isReturnStatement(node)) own.push(...textsIn(node.expression))
  const isFunction = ts.isFunctionDeclaration(node) && REASON_FUNCTIONS.has(node.name?.text ?? '')
  const isMember =
    (ts.isMethodDeclaration(node) || ts.isPropertyDeclaration(node)) && node.name.getText() === member
  ts.forEachChild(node, (child) => {
    own.push(...reasonsIn(child, isReason || isFunction || isMember, member))
  })
  return own
}

function checkReasons() {
  const page = 'docs/reference/statistics.md'
  const tables = tablesOf(page)
  const documented = ['batch', 'cache'].flatMap((heading) => [...(tables.get(heading)?.keys() ?? [])])
  const memberIn = (path) =>
    Object.entries(REASON_MEMBERS).find(([end]) => path.replaceAll('\\', '/').endsWith(end))?.[1]
  const reasons = sources(join(root, 'packages')).flatMap((path) =>
    reasonsIn(parse(path), false, memberIn(path)),
  )
  // The name of a step precedes the reason of an operation.
  const words = reasons
    .map((reason) => reason.replace(/^(?:batch|cache):/, ''))
    .filter((reason) => reason !== '…')
  compare('reason', new Set(words), new Set(documented), page)
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(
      (entry) =>
        entry.isFile() &&
        entry.name.endsWith('.ts') &&
        !/[\\/](node_modules|dist|test)([\\/]|$)/.test(entry.parentPath),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => /[\\/]src[\\/]/.test(path))
}

function pages(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory())
      return ['node_modules', 'api', '.vitepress'].includes(entry.name) ? [] : pages(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

/** TypeDoc writes these; they do not exist before the docs are built. */
const isGenerated = (link) => link.startsWith('/reference/api')

function pageOf(link, from) {
  // Copied when the docs are built.
  if (link.startsWith('/schemas/')) return existsSync(join(root, 'packages/cli', link))
  const path = link.startsWith('/') ? join(docs, link) : join(dirname(from), link)
  return [path, `${path}.md`, join(path, 'index.md')].some(
    (candidate) => existsSync(candidate) && !candidate.endsWith('/'),
  )
}

const { homepage } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

function checkLinks() {
  for (const path of [...pages(docs), join(root, 'CONTRIBUTING.md'), ...readmes()]) {
    const text = readFileSync(path, 'utf8').replace(/```[\s\S]*?```/g, '')
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      // READMEs of packages lead to the site.
      const [link] = (target.startsWith(`${homepage}/`) ? target.slice(homepage.length) : target).split('#')
      if (link === '' || /^[a-z]+:/.test(link) || isGenerated(link)) continue
      if (!pageOf(link, path)) problems.push(`${relative(root, path)}: the link ${target} leads nowhere.`)
    }
  }
  const { nav, sidebar } = JSON.parse(read('docs/.vitepress/navigation.json'))
  for (const { text, link } of [...nav, ...sidebar.flatMap(({ items }) => items)]) {
    if (!isGenerated(link) && !pageOf(link, docs))
      problems.push(`docs/.vitepress/navigation.json: "${text}" leads nowhere: ${link}`)
  }
  const shown = new Set(sidebar.flatMap(({ items }) => items.map(({ link }) => join(docs, `${link}.md`))))
  for (const path of pages(docs)) {
    if (path !== join(docs, 'index.md') && !shown.has(path))
      problems.push(`${relative(root, path)} is not in the sidebar.`)
  }
}

/**
 * Compiles examples in memory, next to the sources of the example app, with the imports of it and the tests.
 */
function checkExamples() {
  const folder = join(root, 'examples/atlas/src')
  if (!existsSync(join(folder, 'generated/prisma'))) {
    problems.push('examples/atlas: its clients are not generated; run `pnpm run generate` first.')
    return
  }
  const examples = new Map()
  for (const path of [...pages(docs), ...readmes()]) {
    const text = readFileSync(path, 'utf8')
    for (const { 1: code, index } of text.matchAll(/```ts(?: \[\w+\])?\n([\s\S]*?)```/g)) {
      // The files of a quick start are checked together, by the test that follows it.
      if (/^\/\/ (?:src\/|\w+\.config\.ts)/.test(code)) continue
      const line = text.slice(0, index).split('\n').length
      examples.set(join(folder, `docs-example-${examples.size}.ts`), {
        code: `${code}\nexport {}\n`,
        path,
        line,
      })
    }
  }
  const base = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile).config
  const { options } = ts.parseJsonConfigFileContent({ ...base, files: [] }, ts.sys, root)
  const settings = {
    ...options,
    isolatedDeclarations: false,
    declaration: false,
    typeRoots: [join(root, 'node_modules/@types')],
  }
  const host = ts.createCompilerHost(settings)
  const { fileExists, getSourceFile } = host
  host.fileExists = (path) => examples.has(path) || fileExists.call(host, path)
  host.getSourceFile = (path, ...rest) =>
    examples.has(path)
      ? ts.createSourceFile(path, examples.get(path).code, rest[0])
      : getSourceFile.call(host, path, ...rest)
  // Next.js does not find a TypeScript file by its name with `.js`.
  const bundler = {
    ...settings,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  }
  const resolve = (name, from, reference) => {
    const mode = ts.getModeForUsageLocation(from, reference, settings)
    const isNext = examples.get(from.fileName)?.path === join(docs, 'guides/nextjs.md')
    const found = (path) =>
      ts.resolveModuleName(name, path, isNext ? bundler : settings, host, undefined, undefined, mode)
    const { fileName } = from
    const resolved = found(fileName)
    return resolved.resolvedModule === undefined && examples.has(fileName)
      ? found(join(root, 'test/docs-example.ts'))
      : resolved
  }
  host.resolveModuleNameLiterals = (literals, _containing, _redirected, _options, from) =>
    literals.map((literal) => resolve(literal.text, from, literal))
  const program = ts.createProgram([...examples.keys()], settings, host)
  for (const [name, { path, line }] of examples) {
    const file = program.getSourceFile(name)
    for (const { start, messageText } of [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]) {
      const at = line + 1 + file.getLineAndCharacterOfPosition(start ?? 0).line
      problems.push(`${relative(root, path)}:${at}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
    }
  }
}

function readmes() {
  const folders = ['.', ...readdirSync(join(root, 'packages')).map((name) => join('packages', name))]
  return folders.map((folder) => join(root, folder, 'README.md')).filter((path) => existsSync(path))
}

checkErrors()
checkDatabaseFindings()
checkApiPages()
checkEntryPoints()
checkOptions()
checkEvents()
checkFields()
checkReasons()
checkLinks()
checkExamples()
for (const problem of problems) console.error(problem)
console.log(
  problems.length === 0 ? 'Docs and code agree.' : `${problems.length} differences between docs and code.`,
)
process.exit(problems.length === 0 ? 0 : 1)
