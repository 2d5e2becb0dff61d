import { onContentUpdated } from 'vitepress'
// With the reader's fonts: Inter in all its subsets is larger than all other assets together.
import DefaultTheme from 'vitepress/theme-without-fonts'
import { h, onMounted } from 'vue'
import './orm-switch.css'
import { OrmSwitch } from './orm-switch.ts'
import { redirect } from './redirect.ts'
import { selectStoredTabs, watchTabs } from './tabs.ts'

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { 'sidebar-nav-before': () => h(OrmSwitch) }),
  setup(): void {
    onMounted(() => {
      watchTabs()
      redirect()
      window.addEventListener('hashchange', redirect)
    })
    onContentUpdated(selectStoredTabs)
  },
}
