import { readFileSync } from 'node:fs'

/** Paths of modules of Sluice and of adapters, as in URLs. */
const ownModules = new Set<string>()
/** npm packages, or scopes, of ORMs and drivers. */
const clientPackages = new Set<string>()
/** Packages whose source maps lead to files outside of them, by these paths. */
const movedPackages = new Map<string, RegExp>()
/** Derived from these when a stack is first read. */
let known: KnownFrames | undefined

interface KnownFrames {
  /** Folders with files of Sluice and of adapters. */
  readonly folders: readonly string[]
  /** Files that contain such modules together with others: an app was bundled. */
  readonly bundles: ReadonlySet<string>
  readonly clients: ReadonlySet<string>
  /** By root folder of a package: whether it uses one of the clients. */
  readonly senders: Map<string, boolean>
}

registerOwnFrames(import.meta.url)

/**
 * Registers the files of an adapter's package, compiled or not: call sites skip them.
 *
 * @param clients - npm packages, or scopes, of the ORM and its driver, which call sites skip, too. A
 *   third-party adapter needs none: they are its peer dependencies.
 */
export function registerOwnFrames(moduleUrl: string | undefined, ...clients: readonly string[]): void {
  const before = ownModules.size + clientPackages.size
  // In a CommonJS bundle, `import.meta.url` is undefined.
  ownModules.add((moduleUrl ?? encodeURI(__filename)).replace(/^file:\/\//, ''))
  for (const client of clients) clientPackages.add(client)
  if (ownModules.size + clientPackages.size !== before) known = undefined
}

/**
 * Registers paths to which the source maps of a package lead, although the package does not contain them.
 * With `--enable-source-maps`, its frames would otherwise look like those of the app.
 */
export function registerMovedFrames(name: string, paths: RegExp): void {
  movedPackages.set(name, paths)
}

/** Whether a file is part of Node or Sluice, or of a third-party adapter. */
export function isOwnFile(file: string): boolean {
  return file.startsWith('node:') || knownFrames().folders.some((folder) => file.startsWith(folder))
}

/** Whether a file contains both Sluice and other code, such as the app's. */
export function isBundle(file: string): boolean {
  return knownFrames().bundles.has(file)
}

/** An npm package that a file belongs to. */
export interface FramePackage {
  readonly root: string
  readonly name: string
}

const OWN_PACKAGE = /^(?:sluice$|@sluice\/)/

/** The last one: packages can be nested, or linked from the folder of a package manager. */
const PACKAGE = /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/

/** Returns the package that a file belongs to; `undefined` for a file of the app. */
export function packageOf(file: string): FramePackage | undefined {
  for (const [name, paths] of movedPackages) if (paths.test(file)) return { root: file, name }
  const [root, name] = PACKAGE.exec(file) ?? []
  return root === undefined || name === undefined ? undefined : { root, name: name.replace('\\', '/') }
}

/** Packages that only run the code of others: instrumentation, and helpers of compilers and promises. */
const HELPERS =
  /^(?:@(?:babel|opentelemetry|sentry|sluice|swc)\/|(?:async|bluebird|dd-trace|elastic-apm-node|newrelic|tslib|p-[a-z]+)$)/

/** Whether a package can be named as the origin of queries: it is neither a client nor a helper. */
export function isNameable({ name }: FramePackage): boolean {
  return !HELPERS.test(name) && !isClient(name)
}

/**
 * Whether the `package.json` of a package contains a client. Any package can be in a stack that only runs the
 * app's callbacks, or awaits its query builders.
 */
export function usesClient({ root }: FramePackage): boolean {
  const { senders } = knownFrames()
  let uses = senders.get(root)
  if (uses === undefined) {
    const { dependencies, devDependencies, peerDependencies } = packageJson(`${root}/package.json`)
    uses = [dependencies, devDependencies, peerDependencies].flatMap(namesIn).some(isClient)
    senders.set(root, uses)
  }
  return uses
}

function isClient(name: string): boolean {
  const { clients } = knownFrames()
  return clients.has(name) || clients.has(name.replace(/\/.*/, ''))
}

function knownFrames(): KnownFrames {
  if (known !== undefined) return known
  const folders: string[] = []
  const bundles = new Set<string>()
  const clients = new Set(clientPackages)
  for (const path of ownModules) {
    const root = /^(.*)\/(?:src|dist)\//.exec(path)?.[1] ?? ''
    const { name, keywords, peerDependencies } = packageJson(new URL(`file://${root}/package.json`))
    const isThirdParty = Array.isArray(keywords) && keywords.includes('sluice-adapter')
    if (!isThirdParty && !(typeof name === 'string' && OWN_PACKAGE.test(name))) {
      bundles.add(decodeURI(path))
      continue
    }
    // Source maps turn frames of `dist` into frames of `src`.
    folders.push(`${decodeURI(root)}/src/`, `${decodeURI(root)}/dist/`)
    if (isThirdParty) for (const client of namesIn(peerDependencies)) clients.add(client)
  }
  known = { folders, bundles, clients, senders: new Map() }
  return known
}

/** The fields of a `package.json`; none if it cannot be read. */
function packageJson(file: string | URL): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(readFileSync(file, 'utf8'))) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}

function namesIn(dependencies: unknown): string[] {
  return typeof dependencies === 'object' && dependencies !== null ? Object.keys(dependencies) : []
}
