import { isSending, sending } from '@sluice/core/adapter'
import { expect, test } from 'vitest'

test('Sluice sends only as long as the call runs, not what it awaits', async () => {
  const seen: boolean[] = [isSending()]
  const sent = sending({
    async send() {
      seen.push(isSending())
      await undefined
      seen.push(isSending())
    },
  })
  seen.push(isSending())
  await sent
  expect(seen).toEqual([false, true, false, false])
})

test('a call that throws ends it', () => {
  const send = () => {
    throw new Error('refused')
  }
  expect(() => sending({ send: () => sending({ send }) })).toThrow('refused')
  expect(isSending()).toBe(false)
})
