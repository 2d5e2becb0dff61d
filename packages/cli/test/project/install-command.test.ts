import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dedupeCommand, installCommand } from '../../src/project/install-command.ts'

let cwd: string

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sluice-install-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

describe('installCommand', () => {
  it.each([
    ['package-lock.json', 'npm install pg', 'npm install --save-dev pg', 'npm dedupe'],
    ['pnpm-lock.yaml', 'pnpm add pg', 'pnpm add --save-dev pg', 'pnpm dedupe'],
    ['yarn.lock', 'yarn add pg', 'yarn add --dev pg', undefined],
    ['bun.lock', 'bun add pg', 'bun add --dev pg', undefined],
  ])('uses the package manager of %s', (lockfile, command, isDev, dedupe) => {
    writeFileSync(join(cwd, lockfile), '')
    expect(installCommand('pg', { cwd })).toBe(command)
    expect(installCommand('pg', { cwd, isDev: true })).toBe(isDev)
    expect(dedupeCommand(cwd)).toBe(dedupe)
  })

  it('prefers the nearest lockfile, and finds that of a workspace', () => {
    const inner = join(cwd, 'apps/shop')
    mkdirSync(inner, { recursive: true })
    writeFileSync(join(cwd, 'pnpm-lock.yaml'), '')
    expect(installCommand('pg', { cwd: inner })).toBe('pnpm add pg')
    writeFileSync(join(inner, 'package-lock.json'), '')
    expect(installCommand('pg', { cwd: inner })).toBe('npm install pg')
  })

  it('uses npm without a lockfile', () => {
    expect(installCommand('pg', { cwd })).toBe('npm install pg')
  })
})
