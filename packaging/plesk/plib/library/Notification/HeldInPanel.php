<?php

class Modules_Nsbridge_Notification_HeldInPanel extends pm_Notifications_PanelNotification
{
    public function getTitle()
    {
        return pm_Locale::lmsg('heldTitle');
    }

    public function getSubject()
    {
        return pm_Locale::lmsg('heldTitle');
    }

    public function getMessage()
    {
        return pm_Locale::lmsg('heldMessage');
    }

    public function getActionText()
    {
        return pm_Locale::lmsg('statusTitle');
    }

    public function getActionUrl()
    {
        return pm_Context::getActionUrl('status', 'index');
    }

    public function openActionInNewTab()
    {
        return false;
    }

    public function getCategory()
    {
        return self::CATEGORY_ALERT;
    }

    public function getArea()
    {
        return self::AREA_WEBSITES;
    }

    public function getContext()
    {
        return 'nsbridge';
    }

    public function getContextIcon()
    {
        return pm_Context::getBaseUrl() . 'icon.png';
    }
}
