// A module with a URL of its own, like a CGI script or the tutorials' time.py. The first request loads it.

export function application(_environ, startResponse) {
  const now = new Date();
  const [date, time] = now.toISOString().slice(0, 19).split('T');
  startResponse('200 OK', [
    ['Content-Type', 'text/html; charset=utf-8'],
    ['Cache-Control', 'no-store'],
  ]);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${time} UTC</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="/style.css">
</head>
<body class="clock">
<main>
<p class="request">dynamic/clock.js</p>
<h1><time datetime="${now.toISOString()}">${time}</time></h1>
<p>${date}, UTC, when this page was made. <a href="">Make it again</a> or <a href="/">go back</a>.</p>
</main>
</body>
</html>
`;
}
