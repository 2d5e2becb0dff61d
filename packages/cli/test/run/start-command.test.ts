import { describe, expect, it } from 'vitest'
import { processOf } from '../../src/run/start-command.ts'

describe('processOf', () => {
  it('starts a program itself', () => {
    expect(processOf(['npm', 'run', 'a b'], 'linux', {})).toEqual({
      file: 'npm',
      args: ['run', 'a b'],
      isVerbatim: false,
    })
  })

  it('starts a script of Windows with its shell, and quotes arguments', () => {
    expect(processOf(['npm', 'run', 'a b', 'c&d', 'say "x"'], 'win32', { ComSpec: 'c:\\cmd.exe' })).toEqual({
      file: 'c:\\cmd.exe',
      args: ['/d', '/s', '/c', '"npm run "a b" "c&d" "say ""x""""'],
      isVerbatim: true,
    })
  })
})
