import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CLIENT_NAMES } from '../../../sluice/src/config/client-names.ts'
import { checkRegister } from '../../src/doctor/check-register.ts'
import { REGISTER_CLIENTS } from '../../src/run/register-clients.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-doctor-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function install(name: string, version: string): void {
  const path = join(root, 'node_modules', name, 'package.json')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, JSON.stringify({ name, version }))
}

describe('REGISTER_CLIENTS', () => {
  it('names the clients of sluice/register', () => {
    const clients = Object.values(REGISTER_CLIENTS).filter(({ isSeenInDriver }) => isSeenInDriver !== true)
    expect(clients.map(({ name }) => name)).toEqual(CLIENT_NAMES)
  })
})

describe('checkRegister', () => {
  it('checks nothing without the package sluice', async () => {
    install('knex', '3.3.0')
    expect(await checkRegister(root, {})).toEqual([])
  })

  it('lists the clients that it attaches to, and those of other versions', async () => {
    install('sluice', '0.1.0')
    install('typeorm', '0.3.31')
    install('pg', '8.23.1')
    install('knex', '1.0.7')
    expect(await checkRegister(root, {})).toEqual([
      { level: 'ok', text: 'register attaches to typeorm 0.3.31 (in its driver), pg 8.23.1' },
      {
        level: 'warn',
        text: 'register: not tested with knex 1.0.7',
        fix: 'Tested: ^2.0.0 || ^3.0.0. npm install knex@"^2.0.0 || ^3.0.0"',
      },
    ])
  })

  it('warns if there is no client, or if it is off', async () => {
    install('sluice', '0.1.0')
    expect(await checkRegister(root, {})).toMatchObject([
      { level: 'warn', text: 'register: no client in node_modules' },
    ])
    install('pg', '8.23.1')
    expect(await checkRegister(root, { SLUICE: 'off' })).toMatchObject([{ level: 'warn' }])
  })
})
