import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Assets } from '../../src/http/assets.ts'
import { ask, serve } from '../world.ts'

const SCRIPT = `console.log(${JSON.stringify('x'.repeat(500))})`

async function open() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-page-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Sluice</title>')
  writeFileSync(join(folder, 'assets', 'app-1a2b.js'), SCRIPT)
  writeFileSync(join(folder, 'assets', 'app-1a2b.js.gz'), gzipSync(SCRIPT))
  writeFileSync(join(folder, 'assets', 'app-1a2b.js.map'), '{}')
  const assets = new Assets([new URL('missing/', pathToFileURL(`${folder}/`)), pathToFileURL(`${folder}/`)])
  return await serve((request, response) => {
    if (!assets.send((request.url ?? '').slice(1), request, response)) response.writeHead(404).end()
  })
}

describe('assets', () => {
  it('revalidate the page and return 304 if it has not changed', async () => {
    const port = await open()
    const { status, headers, text } = await ask(port, '/')
    expect([status, text, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      '<!doctype html><title>Sluice</title>',
      'text/html; charset=utf-8',
      'no-cache',
    ])
    const again = await ask(port, '/', { headers: { 'if-none-match': `"other", W/${headers.etag}` } })
    expect([again.status, again.text]).toEqual([304, ''])
    expect((await ask(port, '/index.html')).text).toBe(text)
    expect((await ask(port, '/', { method: 'HEAD' })).headers['content-length']).toBe(String(text.length))
  })

  it('cache scripts with a content hash permanently, and only in the browser', async () => {
    const port = await open()
    const { headers, text } = await ask(port, '/assets/app-1a2b.js')
    expect([text, headers['content-type'], headers['cache-control'], headers['content-encoding']]).toEqual([
      SCRIPT,
      'text/javascript; charset=utf-8',
      'private, max-age=31536000, immutable',
      undefined,
    ])
  })

  it('compress files for clients that accept gzip', async () => {
    const port = await open()
    const response = await fetch(`http://127.0.0.1:${port}/assets/app-1a2b.js`, {
      headers: { 'accept-encoding': 'gzip' },
    })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(await response.text()).toBe(SCRIPT)
  })

  it('serve only files of the page', async () => {
    const port = await open()
    for (const path of [
      '/assets/app-1a2b.js.map',
      '/assets/app-1a2b.js.gz',
      '/assets/',
      '/assets',
      '/../package.json',
      '/assets/../index.html',
    ])
      expect((await ask(port, path)).status, path).toBe(404)
  })
})
