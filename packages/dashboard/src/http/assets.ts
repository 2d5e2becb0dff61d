import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

interface Asset {
  readonly type: string
  readonly body: Buffer
  readonly gzip: Buffer | undefined
  readonly etag: string
  /** Whether the name contains a hash of the content, so that the content never changes. */
  readonly isImmutable: boolean
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
}
const INDEX = 'index.html'
const ASSETS = 'assets/'

/** In the built package, the folder next to the code. If run from sources, the last build of the page. */
const FOLDERS = [new URL('./page/', import.meta.url), new URL('../../dist/page/', import.meta.url)]

/** The files of the page by path, read at the first request and cached. */
export class Assets {
  #files: ReadonlyMap<string, Asset> | undefined

  constructor(private readonly folders: readonly URL[] = FOLDERS) {}

  /** The HTML document; `undefined` if the page was not built. */
  get document(): string | undefined {
    this.#files ??= this.#read()
    return this.#files.get(INDEX)?.body.toString('utf8')
  }

  /** @returns Whether the file exists. */
  send(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    this.#files ??= this.#read()
    const asset = this.#files.get(path === '' ? INDEX : path)
    if (asset === undefined) return false
    response.setHeader(
      'Cache-Control',
      asset.isImmutable ? 'private, max-age=31536000, immutable' : 'no-cache',
    )
    response.setHeader('ETag', asset.etag)
    response.setHeader('Vary', 'Accept-Encoding')
    if (matches(request.headers['if-none-match'], asset.etag)) {
      response.statusCode = 304
      response.end()
      return true
    }
    const isCompressed =
      asset.gzip !== undefined && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
    const body = isCompressed ? (asset.gzip as Buffer) : asset.body
    if (isCompressed) response.setHeader('Content-Encoding', 'gzip')
    response.statusCode = 200
    response.setHeader('Content-Type', asset.type)
    response.setHeader('Content-Length', body.length)
    response.end(request.method === 'HEAD' ? undefined : body)
    return true
  }

  /** Paths of requests are only looked up in this list, and never used to open a file. */
  #read(): ReadonlyMap<string, Asset> {
    for (const folder of this.folders) {
      const files = listed(folder)
      if (files.has(INDEX)) return files
    }
    return new Map()
  }
}

function listed(folder: URL): Map<string, Asset> {
  const files = new Map<string, Asset>()
  let names: readonly string[]
  try {
    names = readdirSync(fileURLToPath(folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      name.replaceAll('\\', '/'),
    )
  } catch {
    return files
  }
  for (const name of names) {
    const type = TYPES[extname(name)]
    if (type === undefined) continue
    const body = readFileSync(new URL(name, folder))
    const compressed = names.includes(`${name}.gz`)
      ? readFileSync(new URL(`${name}.gz`, folder))
      : gzipSync(body, { level: 9 })
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    files.set(name, {
      type,
      body,
      gzip: compressed.length < body.length ? compressed : undefined,
      etag,
      isImmutable: name.startsWith(ASSETS),
    })
  }
  return files
}

function matches(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
}
