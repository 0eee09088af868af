// The site: its pages by route.

import { checkForm, emptyForm, withError } from './forms.js';
import { Framework, HttpError, page, redirect } from './framework.js';
import { Sessions } from './sessions.js';
import { Users } from './users.js';

/** Newer messages replace the oldest ones. */
const MAX_MESSAGES = 100;

const sessions = new Sessions(process.env.SESSION_SECRET);
const users = new Users();
const messages = [];

const site = new Framework({
  templates: new URL('./templates', import.meta.url),
  before: (context) => {
    context.session = sessions.of(context);
    return { path: context.path, user: context.session.user, token: sessions.formToken(context.session) };
  },
});

/** The posted form, which must come from this site: see `Sessions.formToken`. */
async function postedForm(context) {
  const form = await context.form();
  if (!sessions.isFormToken(context.session, form.get('token') ?? '')) {
    throw new HttpError(403, 'This form has expired or is not from this site: load the page again.');
  }
  return form;
}

site.route('/', { GET: () => page('index', { title: 'A site in a few small files' }) });

// The name of this page in the tutorials.
site.route('/index', { GET: () => redirect('/') });

site.route('/about', { GET: () => page('about', { title: 'How requests are served' }) });

site.route('/contact', {
  GET: ({ query }) =>
    page('contact', { title: 'Write to us', fields: emptyForm('email', 'message'), isSent: query.has('sent') }),
  POST: async (context) => {
    const { values, fields, isGood } = checkForm(await postedForm(context), 'email', 'message');
    if (!isGood) return page('contact', { title: 'Write to us', fields, isSent: false }, 422);
    messages.push({ ...values, from: context.session.user });
    if (messages.length > MAX_MESSAGES) messages.shift();
    return redirect('/contact?sent');
  },
});

site.route('/register', {
  GET: () => page('register', { title: 'Make an account', fields: emptyForm('name', 'newPassword') }),
  POST: async (context) => {
    const { values, fields, isGood } = checkForm(await postedForm(context), 'name', 'newPassword');
    const isNew = isGood && (await users.add(values.name, values.newPassword));
    if (!isNew) {
      const shown = isGood ? withError(fields, 'name', 'That name is taken: choose another.') : fields;
      return page('register', { title: 'Make an account', fields: shown }, 422);
    }
    sessions.begin(context, values.name);
    return redirect('/');
  },
});

site.route('/login', {
  GET: () => page('login', { title: 'Log in', fields: emptyForm('name', 'password') }),
  POST: async (context) => {
    const { values, fields, isGood } = checkForm(await postedForm(context), 'name', 'password');
    const user = isGood ? await users.check(values.name, values.password) : null;
    if (user === null) {
      // The message does not say which of the two is wrong, so that names cannot be tested.
      const shown = isGood ? withError(fields, 'password', 'Name or password is wrong.') : fields;
      return page('login', { title: 'Log in', fields: shown }, 422);
    }
    sessions.begin(context, user);
    return redirect('/');
  },
});

site.route('/logout', {
  POST: async (context) => {
    await postedForm(context);
    sessions.begin(context, null);
    return redirect('/');
  },
});

export const { application } = site;
