import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isInstalled, loadDriver } from '../../src/connect/load-driver.ts'

let project: string

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'sluice-driver-'))
})
afterEach(() => rmSync(project, { recursive: true, force: true }))

/** As Node rejects if the command line is installed in a different folder from the package. */
function missing(name: string): () => Promise<never> {
  const error = new Error(`Cannot find package '${name}' imported from here`)
  return () => Promise.reject(Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' }))
}

function install(name: string, file: string): void {
  const folder = join(project, 'node_modules', name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0' }))
  writeFileSync(join(folder, file), 'exports.opens = true')
}

describe('loadDriver', () => {
  it('loads a package of the project that the command line has no access to, as with npx', async () => {
    install('some-driver', 'promise.js')
    const load = missing('some-driver')
    expect(await loadDriver('some-driver/promise', load, project)).toMatchObject({ opens: true })
  })

  it('names the missing package', async () => {
    await expect(loadDriver('no-driver/promise', missing('no-driver'), project)).rejects.toThrow(
      'package "no-driver" is not installed. Install it: npm install --save-dev no-driver',
    )
  })

  it('rethrows an error of the package itself', async () => {
    const load = missing('pg-native')
    await expect(loadDriver('pg', load, project)).rejects.toThrow("Cannot find package 'pg-native'")
  })
})

describe('isInstalled', () => {
  it('finds packages of the project and of the command line', () => {
    install('some-driver', 'index.js')
    expect(isInstalled('some-driver', project)).toBe(true)
    expect(isInstalled('acorn', project)).toBe(true)
    expect(isInstalled('no-driver', project)).toBe(false)
  })
})
