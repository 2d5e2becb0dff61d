import { useState } from 'preact/hooks'
import { plural } from '../../format/numbers.ts'
import { act } from '../../live/act.ts'
import { Icon } from '../../parts/icon.tsx'

/** Puts values into a namespace of the app's, as code would with `cache.warmCache`. */
export function WarmForm({ done }: { done: () => void }) {
  const [namespace, setNamespace] = useState('')
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState('')
  const warm = async () => {
    let data: Readonly<Record<string, unknown>>
    try {
      data = JSON.parse(text)
    } catch (error) {
      setWrong(`This is no JSON. ${(error as Error).message}`)
      return
    }
    setWrong('')
    const answer = await act(
      'warm-cache',
      { namespace, data },
      { done: ({ count, of }) => `${namespace}: the cache took ${count} of ${plural(of, 'value')}.` },
    )
    if (answer === undefined) return
    setText('')
    done()
  }
  return (
    <form
      class="stack-form"
      aria-label="Warm the cache"
      onSubmit={(event) => {
        event.preventDefault()
        warm()
      }}
    >
      <label>
        <span>Namespace</span>
        <input class="field" required spellcheck={false} value={namespace} onInput={(event) => setNamespace(event.currentTarget.value)} />
      </label>
      <label>
        <span>Values by key, as JSON</span>
        <textarea
          class="field code-field"
          required
          rows={4}
          spellcheck={false}
          placeholder={'{"greeting": "hello"}'}
          aria-invalid={wrong !== ''}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      {wrong !== '' && (
        <p class="trouble bad" role="alert">
          <Icon name="alert" />
          <span>{wrong}</span>
        </p>
      )}
      <button type="submit" class="button button-main">
        Put in
      </button>
    </form>
  )
}
