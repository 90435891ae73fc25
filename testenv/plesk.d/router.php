<?php

// The web server of the stand-in's panel.

require __DIR__ . '/sdk.php';
require __DIR__ . '/pages.php';

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/login') {
    $id = bin2hex(random_bytes(16));
    Standin::query('INSERT INTO sessions VALUES (?, ?, ?)', [$id, $_GET['as'], $_GET['locale'] ?? 'en-US']);
    setcookie('PLESKSESSID', $id, ['httponly' => true, 'samesite' => 'Lax', 'path' => '/']);
    exit('logged in');
}
Standin::$session = Standin::query('SELECT * FROM sessions WHERE id = ?', [$_COOKIE['PLESKSESSID'] ?? ''])[0] ?? null;
$htdocs = Standin::root() . '/admin/htdocs/modules/nsbridge';
if (strpos($path, '/modules/nsbridge/index.php') === 0) {
    $_SERVER['SCRIPT_NAME'] = '/modules/nsbridge/index.php';
    require "$htdocs/index.php";
} elseif (preg_match('~\A/modules/nsbridge/([\w-]+\.(?:js|png))\z~', $path, $found) && is_file("$htdocs/$found[1]")) {
    header('Content-Type: ' . (substr($path, -2) === 'js' ? 'text/javascript' : 'image/png'));
    readfile("$htdocs/$found[1]");
} else {
    http_response_code(404);
}
