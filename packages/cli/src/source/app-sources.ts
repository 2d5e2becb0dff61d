import { readdir, readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { errorMessage } from '@sluice/core/siblings'
import {
  type Binding,
  bare,
  child,
  children,
  isFunction,
  loadParser,
  memberOf,
  nameOf,
  type ParseSource,
  type SourceModule,
  type Syntax,
  sourceModule,
} from './source-module.ts'

const SOURCE = /(?<!\.d)\.[cm]?[jt]sx?$/
/** Tests, build output, generated code and dependencies, which are not source code of the running app. */
const OTHERS =
  /^(?:node_modules|dist|build|out|coverage|generated|migrations|tests?|__tests__|fixtures|e2e)$|^\.|\.(?:test|spec)\.[cm]?[jt]sx?$|\.d\.[cm]?ts$/
const MAX_FILES = 5_000
const MAX_LENGTH = 500_000
const ENDINGS = [
  '',
  '.ts',
  '.tsx',
  '.mts',
  '.cts',
  '.js',
  '.jsx',
  '.mjs',
  '.cjs',
  '/index.ts',
  '/index.js',
  '/index.mjs',
  '/index.cjs',
]

/** An expression and its file. */
export interface Found {
  readonly module: SourceModule
  readonly node: Syntax
}

/** The definition of a name: an expression of the app, or an export of a package. */
export type Resolved = Found | { readonly from: string; readonly name: string }

/** The source code of an app. Reads its files, and executes none. */
export class AppSources {
  readonly #texts = new Map<string, string>()
  readonly #modules = new Map<string, SourceModule | undefined>()
  /** Files that could not be parsed, with the reason. */
  readonly unread: Map<string, string> = new Map()

  private constructor(readonly parse: ParseSource) {}

  static async of(root: string): Promise<AppSources> {
    const sources = new AppSources(await loadParser())
    for (const path of await sourcePaths(root)) {
      const text = await readFile(join(root, path), 'utf8').catch(() => '')
      if (text.length <= MAX_LENGTH) sources.#texts.set(path, text)
    }
    return sources
  }

  /** The files whose text contains the name of one of the packages. */
  naming(...packages: readonly string[]): SourceModule[] {
    const paths = [...this.#texts]
      .filter(([, text]) => packages.some((name) => text.includes(name)))
      .map(([path]) => path)
    return paths.map((path) => this.#module(path)).filter((module) => module !== undefined)
  }

  /**
   * Resolves an expression through variables, imports and members of objects. Returns other expressions
   * unchanged; `undefined` if the definition is unknown.
   */
  resolve({ module, node }: Found, depth = 0): Resolved | undefined {
    const expression = bare(node)
    if (expression === undefined || depth > 20) return undefined
    const name = expression.type === 'Identifier' ? nameOf(expression) : undefined
    if (name !== undefined) return this.#follow(module, module.bindings.get(name), depth)
    const member = memberOf(expression)
    if (member !== undefined)
      return this.#member(this.resolve({ module, node: member.object }, depth + 1), member.name, depth)
    return { module, node: expression }
  }

  /** Whether an expression resolves to the export `name` of a package. */
  isFrom(found: Found, from: string | RegExp, name: string): boolean {
    const resolved = this.resolve(found)
    if (resolved === undefined || 'node' in resolved || resolved.name !== name) return false
    return typeof from === 'string' ? resolved.from === from : from.test(resolved.from)
  }

  #module(path: string): SourceModule | undefined {
    if (this.#modules.has(path)) return this.#modules.get(path)
    const text = this.#texts.get(path)
    let module: SourceModule | undefined
    try {
      if (text !== undefined) module = sourceModule(path, text, this.parse(path, text))
    } catch (error) {
      this.unread.set(path, errorMessage(error))
    }
    this.#modules.set(path, module)
    return module
  }

  #follow(module: SourceModule, binding: Binding | undefined, depth: number): Resolved | undefined {
    if (binding === undefined) return undefined
    if (binding.kind === 'value') return this.resolve({ module, node: binding.node }, depth + 1)
    const { from, name } = binding
    if (!from.startsWith('.')) return { from, name }
    const path = posix.join(posix.dirname(module.path), from)
    const stem = path.replace(/\.([cm]?)jsx?$/, '.$1ts')
    const target = [path, stem, `${stem}x`]
      .flatMap((start) => ENDINGS.map((ending) => start + ending))
      .find((candidate) => this.#texts.has(candidate))
    const imported = target === undefined ? undefined : this.#module(target)
    if (imported === undefined) return undefined
    if (name === '*' && !imported.exports.has('*')) return { module: imported, node: imported.program }
    return this.#exported(imported, name, depth)
  }

  #exported(module: SourceModule, name: string, depth: number): Resolved | undefined {
    const exported = module.exports.get(name)
    const binding = typeof exported === 'string' ? module.bindings.get(exported) : exported
    const found = this.#follow(module, binding, depth + 1)
    if (exported !== undefined || name === '*') return found
    const whole = module.exports.get('*')
    return whole === undefined ? undefined : this.#member(this.#exported(module, '*', depth + 1), name, depth)
  }

  #member(object: Resolved | undefined, name: string, depth: number): Resolved | undefined {
    if (object === undefined) return undefined
    if (!('node' in object))
      return object.name === '*'
        ? { from: object.from, name }
        : { from: object.from, name: `${object.name}.${name}` }
    const { module, node } = object
    if (node.type === 'Program') return this.#exported(module, name, depth)
    if (node.type === 'NewExpression') {
      const method = this.#method(object, name)
      return method && this.resolve(method, depth + 1)
    }
    const value = optionOf(node, name)
    return value && this.resolve({ module, node: value }, depth + 1)
  }

  /** A method of an instance of a class of the app. */
  #method({ module, node }: Found, name: string): Found | undefined {
    const callee = child(node, 'callee')
    const type = callee === undefined ? undefined : this.resolve({ module, node: callee })
    if (type === undefined || !('node' in type)) return undefined
    const method = children(child(type.node, 'body'), 'body').find(
      (part) => nameOf(child(part, 'key')) === name,
    )
    const value = child(method, 'value')
    return value === undefined ? undefined : { module: type.module, node: value }
  }
}

/** The value of a property in an object literal. */
export function optionOf(node: Syntax, name: string): Syntax | undefined {
  if (node.type !== 'ObjectExpression') return undefined
  const property = children(node, 'properties').find(
    (one) => one.computed !== true && nameOf(child(one, 'key')) === name,
  )
  return child(property, 'value')
}

/** The innermost function that contains a node, or the program. */
export function functionAround(above: readonly Syntax[]): Syntax | undefined {
  return above.findLast((node) => isFunction(node) || node.type === 'Program')
}

async function sourcePaths(root: string): Promise<string[]> {
  const paths: string[] = []
  const queue = ['']
  for (let folder = queue.shift(); folder !== undefined && paths.length < MAX_FILES; folder = queue.shift()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => [])
    for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
      const { name } = entry
      if (OTHERS.test(name)) continue
      if (entry.isDirectory()) queue.push(posix.join(folder, name))
      else if (entry.isFile() && SOURCE.test(name)) paths.push(posix.join(folder, name))
    }
  }
  return paths
}
