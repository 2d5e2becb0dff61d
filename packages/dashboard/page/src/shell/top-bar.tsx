import { count, duration } from '../format.ts'
import { isPaused, live, missed, now, retryNow, status, togglePause } from '../live/live.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { hrefOf } from '../route/router.ts'
import { hasKeys, nextTheme, type Theme, theme } from '../state/preferences.ts'
import { isHelpOpen } from './help-dialog.tsx'
import { isMenuOpen } from './navigation.tsx'

export function TopBar() {
  return (
    <header class="top">
      <button
        type="button"
        class="button button-bare menu"
        aria-expanded={isMenuOpen.value}
        aria-controls="nav"
        onClick={() => (isMenuOpen.value = !isMenuOpen.value)}
      >
        <Icon name={isMenuOpen.value ? 'close' : 'menu'} />
        <span class="hidden-visually">Pages</span>
      </button>
      <a class="brand" href={hrefOf('now')}>
        <Mark />
        Sluice
      </a>
      <ProcessChip />
      <span class="spring" />
      <LinkState />
      <PauseButton />
      <ThemeButton />
      <button
        type="button"
        class="button button-bare"
        aria-haspopup="dialog"
        title="Keyboard shortcuts (?)"
        onClick={() => (isHelpOpen.value = true)}
      >
        <Icon name="help" />
        <span class="hidden-visually">Keyboard shortcuts</span>
      </button>
    </header>
  )
}

/** A gate above water. */
function Mark() {
  return (
    <svg class="icon mark" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M2.5 2v12M13.5 2v12M2.5 4.5h11M5.5 8V4.5M10.5 8V4.5M5.5 8h5M4.5 11.5q1.2-1.2 2.3 0t2.4 0 2.3 0" />
    </svg>
  )
}

function ProcessChip() {
  const state = live.value
  if (state === undefined) return null
  const { process, processes, mode } = state
  const { name, index, of, pid, hostname } = process
  const answering = processes.filter(({ isAnswering }) => isAnswering).length
  const isWhole = answering === processes.length
  return (
    <span class="chip">
      <strong class="cut">{name}</strong>
      <span class="chip-part">
        {of > 1 ? (
          <a
            class={isWhole ? 'muted' : 'warn'}
            href={hrefOf('nodes')}
            title="Data from all processes that respond"
          >
            {isWhole ? `process ${index} of ${of}` : `${answering} of ${of} processes respond`}
          </a>
        ) : (
          `${hostname}:${pid}`
        )}
      </span>
      <span class="chip-part">{mode}</span>
    </span>
  )
}

function LinkState() {
  const link = status.value
  if (isPaused.value) {
    return (
      <span class="link-state" role="status">
        <Icon name="pause" />
        {missed.value === 0 ? 'Paused' : `Paused, ${count(missed.value)} new`}
      </span>
    )
  }
  if (link.kind === 'live') {
    return (
      <span class="link-state good">
        <span class="dot" aria-hidden="true" />
        Live
      </span>
    )
  }
  if (link.kind === 'lost') {
    const waitMs = Math.max(0, link.retryAt - now.value)
    return (
      <span class="link-state warn">
        <Icon name="alert" />
        <span
          title={link.reason}
        >{`Disconnected, retrying in ${duration(Math.ceil(waitMs / 1_000) * 1_000)}`}</span>
        <button type="button" class="button" onClick={retryNow}>
          Retry now
        </button>
      </span>
    )
  }
  if (link.kind === 'refused') {
    return (
      <span class="link-state bad">
        <Icon name="lock" />
        Access denied
      </span>
    )
  }
  return <span class="link-state muted">{link.kind === 'asleep' ? 'Idle' : 'Connecting…'}</span>
}

function PauseButton() {
  const paused = isPaused.value
  return (
    <button
      type="button"
      class="button button-bare"
      aria-pressed={paused}
      title={hasKeys.value ? 'Pause (Space)' : 'Pause'}
      onClick={togglePause}
    >
      <Icon name={paused ? 'play' : 'pause'} />
      <span class="hidden-visually">Pause</span>
    </button>
  )
}

const themeIcons: Readonly<Record<Theme, IconName>> = { system: 'system', light: 'sun', dark: 'moon' }
const themeWords: Readonly<Record<Theme, string>> = { system: 'system', light: 'light', dark: 'dark' }

function ThemeButton() {
  const word = `Theme: ${themeWords[theme.value]}`
  return (
    <button type="button" class="button button-bare" title={word} onClick={nextTheme}>
      <Icon name={themeIcons[theme.value]} />
      <span class="hidden-visually">{word}</span>
    </button>
  )
}
