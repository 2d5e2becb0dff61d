// Rejects regular expressions of the packages whose time can grow faster than the length of a string. Also
// checks those that `RegExp` builds from literals of the same file: other parts count as a word character.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { check } from 'recheck'
import ts from 'typescript'

const FOLDERS = ['src', 'page/src']
const SOURCE = /\.(?:ts|tsx|mts|mjs)$/
/** Without a repetition, the number of steps is bounded. */
const REPETITION = /[*+]|\{\d+,/
/** Proves that the checker works: leading white space is scanned from each of its characters. */
const CANARY = { source: String.raw`\s*,\s*`, flags: 'g' }
const LIMITS = { timeout: 30_000, attackTimeout: 1_000, incubationTimeout: 1_000 }
const AT_ONCE = 2

const root = join(import.meta.dirname, '..')

function filesIn(folder) {
  try {
    return readdirSync(folder, { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => SOURCE.test(path))
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

/** The string that an expression evaluates to, as far as the file shows it. */
function textOf(node, constants, depth = 0) {
  if (node === undefined || depth > 9) return 'x'
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isIdentifier(node)) return textOf(constants.get(node.text), constants, depth + 1)
  if (ts.isParenthesizedExpression(node)) return textOf(node.expression, constants, depth + 1)
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return textOf(node.left, constants, depth + 1) + textOf(node.right, constants, depth + 1)
  const isRaw = ts.isTaggedTemplateExpression(node) && node.tag.getText() === 'String.raw'
  const template = isRaw ? node.template : node
  const part = (literal) => (isRaw ? literal.rawText : literal.text)
  if (ts.isNoSubstitutionTemplateLiteral(template)) return part(template)
  if (!ts.isTemplateExpression(template)) return 'x'
  return template.templateSpans.reduce(
    (text, span) => text + textOf(span.expression, constants, depth + 1) + part(span.literal),
    part(template.head),
  )
}

function expressionsIn(path) {
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const constants = new Map()
  const found = []
  const add = (node, source, flags) => {
    const { line, character } = file.getLineAndCharacterOfPosition(node.getStart())
    found.push({ place: `${relative(root, path)}:${line + 1}:${character + 1}`, source, flags })
  }
  const visit = (node) => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined)
      constants.set(node.name.text, node.initializer)
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      add(node, node.text.slice(1, end), node.text.slice(end + 1))
    }
    const isCall = ts.isNewExpression(node) || ts.isCallExpression(node)
    if (isCall && node.expression.getText() === 'RegExp' && node.arguments !== undefined) {
      const [source, flags] = node.arguments
      if (!ts.isRegularExpressionLiteral(source))
        add(node, textOf(source, constants), flags === undefined ? '' : textOf(flags, constants))
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** Returns why an expression is rejected; `undefined`: its time is linear. */
async function problemOf({ source, flags }) {
  const result = await check(source, flags, LIMITS)
  if (result.status === 'safe') return undefined
  if (result.status === 'vulnerable') {
    const { complexity, attack } = result
    return `${complexity.summary} time, for example for ${attack.pattern.slice(0, 200)}`
  }
  return `it cannot be checked (${result.error.kind}). Split it into simpler expressions`
}

async function problemsIn(expressions) {
  const problems = new Map()
  const waiting = [...expressions]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      problems.set(keyOf(next), await problemOf(next))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return problems
}

const keyOf = ({ source, flags }) => `/${source}/${flags}`

const given = process.argv.slice(2)
const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
const files =
  given.length > 0
    ? given
    : packages.flatMap((folder) => FOLDERS.flatMap((name) => filesIn(join(folder, name))))
const found = files.flatMap(expressionsIn).filter(({ source }) => REPETITION.test(source))
const problems = await problemsIn(new Map([CANARY, ...found].map((each) => [keyOf(each), each])).values())
let failed = 0
if (problems.get(keyOf(CANARY)) === undefined) {
  console.error(`recheck does not find the quadratic time of ${keyOf(CANARY)}: it does not work here.`)
  failed += 1
}
for (const each of found) {
  const problem = problems.get(keyOf(each))
  if (problem === undefined) continue
  console.error(`${each.place}: ${keyOf(each)}: ${problem}`)
  failed += 1
}
console.log(
  `${found.length} regular expressions with a repetition in ${files.length} files, ${failed} problems`,
)
process.exit(failed === 0 ? 0 : 1)
