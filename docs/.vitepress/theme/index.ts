import DefaultTheme from 'vitepress/theme-without-fonts';
import './style.css'; // oxlint-disable-line import/no-unassigned-import

/** VitePress' own theme with the reader's system fonts: nothing is loaded from elsewhere. */
export default DefaultTheme;
