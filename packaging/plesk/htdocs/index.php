<?php

pm_Context::init('nsbridge');

$application = new pm_Application();
$application->run();
