// Checks the wording of docs, comments, messages and test names. Each folder has a limit, in hits per 1,000
// words, that only goes down. Comments have at most 110 characters per line, as code does, which the
// formatter checks, and their tags (`@returns`) are at the start of a line, where tools read them. Declared
// names use the words of the docs, and literals have no spreads of literals: `voice/names.mjs` lists the
// folders where that is still to do.
//
//   node scripts/check-voice.mjs             exits with code 1 if a folder is above its limit
//   node scripts/check-voice.mjs <paths…>    prints the hits in these files and folders
//   node scripts/check-voice.mjs --update    lowers the limits to the present rates
//
// To exempt a line, put `voice-ignore` in a comment on it or on the line above.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { extname, join, sep } from 'node:path'
import { badNames, namesIn } from './voice/names.mjs'
import { hitsOf, KIND_ONLY, rules } from './voice/rules.mjs'
import { markdownUnits, sourceUnits, unitOf } from './voice/units.mjs'

const root = join(import.meta.dirname, '..')
const limitsFile = join(import.meta.dirname, 'voice/limits.json')
const MAX_COLUMNS = 110
const SOURCES = new Set(['.ts', '.tsx', '.mts', '.js', '.mjs'])

/** Each rule finds its bad example, and not its good one. */
function selfTest() {
  for (const rule of rules) {
    const count = (text) =>
      hitsOf(unitOf(KIND_ONLY.has(rule.only) ? rule.only : 'md', [{ text, line: 1 }]), [rule]).length
    if (count(rule.bad) === 0) throw new Error(`The rule ${rule.id} does not match "${rule.bad}".`)
    if (rule.good !== '' && count(rule.good) > 0)
      throw new Error(`The rule ${rule.id} matches "${rule.good}".`)
  }
  const found = namesIn('keep-ahead.ts', 'const isKept = { ...{ wanted: 1 }, ...task, task, left: takeOff }')
  const kinds = found.map(({ kind, text }) => `${kind} ${text.split(':')[0]}`).join(', ')
  if (
    kinds !== "name the file's name, name isKept, spread write the properties without the spread, name wanted"
  )
    throw new Error(`The check of names found: ${kinds}.`)
}

function hitsIn(path) {
  const source = readFileSync(join(root, path), 'utf8')
  const lines = source.split('\n')
  if (lines.slice(0, 20).some((line) => line.includes('voice-ignore-file'))) return { words: 0, hits: [] }
  const isExempt = (line) =>
    [lines[line - 1], lines[line - 2]].some((text) => /voice-ignore(?!-file)/.test(text ?? ''))
  const units = extname(path) === '.md' ? markdownUnits(source) : sourceUnits(source, path)
  const words = units.reduce((sum, { text }) => sum + (text.match(/[A-Za-z][A-Za-z'’-]*/g) ?? []).length, 0)
  return { words, hits: units.flatMap((unit) => hitsOf(unit, rules)).filter(({ line }) => !isExempt(line)) }
}

const TAG_IN_PROSE = /^\s*\/?\*\*? .*[^\s`{] @(?:returns|throws|param|defaultValue|example|remarks)\b/

/** Lines of comments that break a rule, with the rule. Directives of tools must be on one line. */
function badComments() {
  const problemOf = (line) => {
    if (!/^\s*(\/\/|\/?\*)/.test(line) || line.includes('biome-ignore')) return undefined
    if (line.length > MAX_COLUMNS) return `the comment has more than ${MAX_COLUMNS} characters in a line`
    return TAG_IN_PROSE.test(line) ? 'the tag is not at the start of a line of its comment' : undefined
  }
  return proseFiles(['.'])
    .filter((path) => SOURCES.has(extname(path)))
    .flatMap((path) =>
      readFileSync(join(root, path), 'utf8')
        .split('\n')
        .flatMap((line, at) => {
          const problem = problemOf(line)
          return problem === undefined ? [] : [`${path}:${at + 1}: ${problem}`]
        }),
    )
}

/** The folder whose limit applies: `packages/core/src`, `docs/guides`, `test/bench`, `scripts`. */
function folderOf(path) {
  const parts = path.split('/')
  if (parts.length === 1) return '.'
  const depth = { packages: 3, docs: 2, examples: 2, test: 2 }[parts[0]] ?? 1
  return parts.slice(0, Math.min(depth, parts.length - 1)).join('/')
}

function proseFiles(paths) {
  const listed = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--', ...paths],
    { cwd: root },
  )
  return `${listed}`
    .split('\0')
    .filter(
      (path) =>
        (extname(path) === '.md' || SOURCES.has(extname(path))) &&
        !path.endsWith('.d.ts') &&
        !path.includes('CHANGELOG'),
    )
}

function rates() {
  const folders = new Map()
  for (const path of proseFiles(['.'])) {
    const { words, hits } = hitsIn(path)
    const known = folders.get(folderOf(path)) ?? { words: 0, hits: 0 }
    folders.set(folderOf(path), { words: known.words + words, hits: known.hits + hits.length })
  }
  const rate = ({ words, hits }) => (words === 0 ? 0 : Math.ceil((hits / words) * 10_000) / 10)
  return new Map(
    [...folders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([folder, counts]) => [folder, rate(counts)]),
  )
}

function check() {
  const limits = JSON.parse(readFileSync(limitsFile, 'utf8'))
  let failures = 0
  for (const [folder, rate] of rates()) {
    // New folders begin with good prose.
    const limit = limits[folder] ?? limits.default
    if (rate <= limit) continue
    failures += 1
    console.error(
      `${folder}: ${rate} hits per 1,000 words, at most ${limit} are allowed. To list them: node scripts/check-voice.mjs ${folder}`,
    )
  }
  for (const problem of [...badComments(), ...badNames(root, proseFiles(['.']))]) {
    failures += 1
    console.error(problem)
  }
  if (failures === 0) console.log('The wording is within its limits.')
  return failures === 0
}

function update() {
  const before = JSON.parse(readFileSync(limitsFile, 'utf8'))
  const lowered = [...rates()].map(([folder, rate]) => [folder, Math.min(rate, before[folder] ?? rate)])
  writeFileSync(
    limitsFile,
    `${JSON.stringify({ default: before.default, ...Object.fromEntries(lowered) }, undefined, 2)}\n`,
  )
}

selfTest()
const args = process.argv.slice(2)
if (args.includes('--update')) update()
else if (args.length === 0) process.exitCode = check() ? 0 : 1
else {
  for (const path of proseFiles(args)) {
    for (const { line, phrase, rule } of hitsIn(path).hits)
      console.log(`${path.split('/').join(sep)}:${line}  "${phrase}"  →  ${rule.to}  [${rule.id}]`)
  }
  for (const problem of badNames(root, proseFiles(args), { name: [], spread: [] })) console.log(problem)
}
