// The default theme in the colours of the default site (html/style.css).
import DefaultTheme from 'vitepress/theme-without-fonts';
import './style.css';

export default DefaultTheme;
