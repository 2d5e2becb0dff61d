import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createSluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Assets } from '../../src/http/assets.ts'
import { Gate } from '../../src/http/gate.ts'
import { RequestHandler } from '../../src/http/request-handler.ts'
import { withFirstView } from '../../src/http/responses.ts'
import type { FirstView, Rights, Snapshot } from '../../src/protocol/stream.ts'
import { ask, serve } from '../world.ts'

const HTML = '<!doctype html><html><head><title>Sluice</title></head><body><div id="app"></div></body></html>'
const BLOCK = /<script type="application\/json" id="first-view">([^<]*)<\/script>\s*<\/body><\/html>$/

const viewOf = (text: string): FirstView | undefined => {
  const json = BLOCK.exec(text)?.[1]
  return json === undefined ? undefined : (JSON.parse(json) as FirstView)
}

interface Given {
  readonly authorize?: (what: 'read' | 'act') => boolean
  readonly isBuilt?: boolean
  readonly firstView?: (rights: Rights) => Promise<FirstView>
}

async function open({ authorize = () => true, isBuilt = true, firstView }: Given = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-page-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'assets'))
  if (isBuilt) writeFileSync(join(folder, 'index.html'), HTML)
  const sluice = createSluice()
  const errors: unknown[] = []
  sluice.on('error', (error) => void errors.push(error))
  const host = hostOf(sluice)
  const asked: Rights[] = []
  const handler = new RequestHandler({
    host,
    sessions: undefined,
    maxBodyBytes: 1_000,
    showParameters: true,
    onKeyUsed: () => {},
    assets: new Assets([pathToFileURL(`${folder}/`)]),
    gate: new Gate({
      options: { actions: true, actor: undefined, authorize: (_, what) => authorize(what) },
      sessions: undefined,
      host,
    }),
    endpoints: {
      page: async () => undefined,
      isAction: (_name): _name is never => false,
      act: async () => undefined,
      stream: async () => {},
      firstView:
        firstView ??
        (async (rights) => {
          asked.push(rights)
          return {
            id: 'p.1',
            snapshot: { rights, requests: [{ name: 'GET /café </script>' }] } as unknown as Snapshot,
          }
        }),
    },
  })
  const port = await serve((request, response) => void handler.handle(request, response, '/_sluice'))
  return { errors, asked, port, ask: (path: string, options = {}) => ask(port, `/_sluice${path}`, options) }
}

describe('document', () => {
  it('contains the first view with the rights of the user', async () => {
    const { ask } = await open({ authorize: (what) => what === 'read' })
    const { status, headers, text } = await ask('/')
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(viewOf(text)).toEqual({
      id: 'p.1',
      snapshot: {
        rights: { act: false, reason: expect.stringContaining('act'), parameters: true },
        requests: [{ name: 'GET /café </script>' }],
      },
    })
  })

  it('is not stored by browsers, and is compressed for clients that accept gzip', async () => {
    const { ask, port } = await open({
      firstView: async () => ({ id: 'p.1', snapshot: { mode: 'x'.repeat(5_000) } as unknown as Snapshot }),
    })
    const { headers } = await ask('/')
    expect([headers['cache-control'], headers.etag, headers['content-encoding']]).toEqual([
      'no-store',
      undefined,
      undefined,
    ])
    const response = await fetch(`http://127.0.0.1:${port}/_sluice/`, {
      headers: { 'accept-encoding': 'gzip' },
    })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(viewOf(await response.text())?.snapshot.mode).toHaveLength(5_000)
    expect((await ask('/', { method: 'HEAD' })).text).toBe('')
  })

  it('contains no data without read access or if another site linked to it', async () => {
    const refused = await open({ authorize: () => false })
    expect([(await refused.ask('/')).status, refused.asked]).toEqual([403, []])
    const { ask, asked } = await open()
    for (const site of ['cross-site', 'same-site']) {
      const { status, text, headers } = await ask('/', { headers: { 'sec-fetch-site': site } })
      expect([status, text, headers['cache-control']], site).toEqual([200, HTML, 'no-cache'])
    }
    expect(asked).toEqual([])
    for (const site of ['none', 'same-origin'])
      expect(viewOf((await ask('/', { headers: { 'sec-fetch-site': site } })).text), site).toBeDefined()
  })

  it('omits the first view if it fails, and is missing if the page was not built', async () => {
    const { ask, errors } = await open({
      firstView: async () => {
        throw new Error('no figures')
      },
    })
    expect((await ask('/')).text).toBe(HTML)
    expect(errors).toEqual([expect.objectContaining({ message: 'no figures' })])
    expect((await (await open({ isBuilt: false })).ask('/')).status).toBe(404)
  })
})

describe('withFirstView', () => {
  it('escapes data that could close the block or start a comment', () => {
    for (const evil of [
      '</script><script>alert(1)</script>',
      '<!--<script>',
      ']]>',
      '\u2028',
      '</SCRIPT >',
      '$&$`',
    ]) {
      const text = withFirstView(HTML, { id: evil, snapshot: {} as Snapshot })
      expect(text.match(/<[/!]?script|<!--/gi), evil).toEqual(['<script', '</script'])
      expect(viewOf(text)?.id, evil).toBe(evil)
    }
  })

  it('returns a document without an end unchanged', () => {
    expect(withFirstView('<p>', { id: '1', snapshot: {} as Snapshot })).toBe('<p>')
  })
})
