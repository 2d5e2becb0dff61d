import { describe, expect, it } from 'vitest'
import { CallerWaits } from '../../src/adapter/after-caller.ts'

describe('CallerWaits', () => {
  it('sends immediately if no stack is needed, and otherwise keeps the order', async () => {
    const sent: string[] = []
    const waits = new CallerWaits((sql) => sql.startsWith('traced'))
    const send = (sql: string) =>
      waits.send(sql, async () => {
        sent.push(sql)
      })
    const first = send('plain 1')
    expect(sent).toEqual(['plain 1'])
    const others = [send('traced 2'), send('plain 3'), send('traced 4'), send('plain 5')]
    expect(sent).toEqual(['plain 1'])
    await Promise.all([first, ...others])
    expect(sent).toEqual(['plain 1', 'traced 2', 'plain 3', 'traced 4', 'plain 5'])
    void send('plain 6')
    expect(sent.at(-1)).toBe('plain 6')
  })

  it('sends the next ones immediately after one has failed', async () => {
    const waits = new CallerWaits((sql) => sql === 'traced')
    await expect(waits.send('traced', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    const sent: string[] = []
    void waits.send('plain', async () => {
      sent.push('plain')
    })
    expect(sent).toEqual(['plain'])
  })
})
